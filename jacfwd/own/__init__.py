"""Rules of the user's own: primitives with a local Jacobian, tangent functions, opaque functions."""
