"""Structured local Jacobians: constant index structure, and values that plain NumPy calls compute.

A *tangent block* of an array of shape `s` has shape `(p,) + s`: p directions side by side. Every format
maps tangent blocks of its input to tangent blocks of its output and can be transposed, composed and written
as COO.
"""
