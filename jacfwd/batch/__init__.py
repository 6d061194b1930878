"""Many points at once: a recorded graph evaluated with a leading axis of points, guards checked for each.

`lift` turns one node into a function of blocks of points, `points` evaluates a graph, `stacked` puts the results
together as stacks and as block-diagonal matrices.
"""
