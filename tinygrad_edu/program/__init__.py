"""The graph as a program: a function's forward and backward pass as NumPy code, to read and to run.

`trace` writes a program, `compile` runs one in place of the function. Nothing in the engine needs
them. The way of a program: `tracing` runs the function while `recording` writes down its ops,
`backward` adds the sweep, `writing` turns each step into statements by way of `inline`, `tidy`
makes them plain, and then `layout` prints them or `plan` gives them memory.
"""

from .compiled import Compiled, compile
from .dyed import TraceError
from .program import Program, trace

__all__ = ["Compiled", "Program", "TraceError", "compile", "trace"]
