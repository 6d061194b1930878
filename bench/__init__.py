"""Benchmarks: one module per question, one set of problems for all of them; run with `python -m bench`."""

import os

# One thread for everybody, the default of jacfwd: a linear algebra library that waits for a second core would
# time the load of the machine. It has to be said before NumPy is imported; what the user has set stands.
for _variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
