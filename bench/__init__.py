"""Benchmarks: one module per question, one set of problems for all of them; run with `python -m bench`."""
