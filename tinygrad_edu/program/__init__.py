"""The graph as a program: a function's forward and backward pass as NumPy code, to read and to run.

`trace` writes a program, `compile` runs one in place of the function. Nothing in the engine needs
them. `tracing` runs the function while `recording` writes down its ops, and `backward` adds the
sweep. To be read, `writing` turns each step into statements by way of `inline`, `tidy` makes them
plain, and `layout` prints them. To be run, `templates` has the lines of each kind of step, once for
all programs, and `plan` gives their results memory; a `kernel` is what comes out.
"""

from .compiled import Compiled, compile
from .dyed import TraceError
from .program import Program, trace

__all__ = ["Compiled", "Program", "TraceError", "compile", "trace"]
