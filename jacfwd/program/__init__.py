"""Programs: a derivative's own graph, made once, and run at many points.

`derive` records a reading of the chain on Tracers, `optimise` takes out what is not needed or computed twice,
`slots` gives each entry of a sparse matrix its final place, `run` evaluates, `jacobian` puts these together.
"""
