"""The class that gets a method for each op, such as `exp` and `__mul__`; Tensor inherits it.

Editors and type checkers read `methods.pyi` beside this file, which `make stubs` generates; each
method's docstring there names the file that declares it.
"""

from typing import Generic, TypeVar

Result = TypeVar("Result")


class Methods(Generic[Result]):
    """What a Tensor can do because an op says so, with results of type `Result`."""

    __slots__ = ()
