"""A course: from one multiplication to a transformer, every step by hand once, then by the engine.

`python -m course` lists the lessons. Their sources, `course/NN_name.py`, hold the solutions;
`make course` writes what learners get, without them, to `out/course`.
"""

from .checking import check, hint, solution
from .showing import reveal, show, source_of

__all__ = ["check", "hint", "reveal", "show", "solution", "source_of"]
