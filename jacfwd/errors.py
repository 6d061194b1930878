"""The errors jacfwd raises: each also is the builtin kind that a NumPy user expects."""

__all__ = [
    "BranchChangedError",
    "JacfwdError",
    "JacobianMismatchError",
    "LeakedTracerError",
    "MemoryBudgetError",
    "NotDifferentiableError",
    "TracerConversionError",
    "UnsupportedFunctionError",
]


class JacfwdError(Exception):
    """Base of every error that jacfwd raises of its own accord."""


class UnsupportedFunctionError(JacfwdError, TypeError):
    """A function met a traced array and has no rule."""


class TracerConversionError(JacfwdError, TypeError):
    """A traced array was about to become plain numbers, and its derivative would be lost."""


class NotDifferentiableError(JacfwdError, TypeError):
    """A derivative was asked for where none can exist, such as with respect to an integer."""


class BranchChangedError(JacfwdError, RuntimeError):
    """A recorded graph was run at a point where it would have taken another branch."""


class LeakedTracerError(JacfwdError, RuntimeError):
    """A traced array was used after the recording that made it had ended."""


class MemoryBudgetError(JacfwdError, MemoryError):
    """A result would not fit into the memory budget."""


class JacobianMismatchError(JacfwdError, AssertionError):
    """A Jacobian disagrees with an independent computation of it."""
