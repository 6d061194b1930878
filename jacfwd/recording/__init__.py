"""Functions on stand-in arrays: tracers, the storages they view, names rebound meanwhile."""
