"""Data to learn on.  Iris and the digits lie in the package; see SOURCES.md for their origin."""

from .shipped import digits, iris

__all__ = ["digits", "iris"]
