"""Breaks every derivative of every op on purpose, in five ways, and reports what test_op lets pass.

    python -m tests.mutants              every VJP
    python -m tests.mutants relu tanh    those of the ops named

A survivor shows that a test is missing, or that the mutant changes nothing. Mutants outside of the
VJPs are in `mutants_of_source`.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tinygrad_edu import Tensor
from tinygrad_edu.tensor import data_of

from .samples import ALL
from .test_ops import test_op

FLAT = {
    *(("floor_divide", 0), ("floor_divide", 1), ("heaviside", 0), ("copysign", 1)),
    *((name, 0) for name in ("sign", "floor", "ceil", "trunc", "rint", "round", "imag", "angle")),
}
"""Arguments by which an op's derivative is 0: -0 and 1.5 * 0 are no mutants."""

Vjp = Callable[..., Any]


def wrong_sign(f: Vjp) -> Vjp:
    return lambda g, *kept: -f(g, *kept)


def wrong_factor(f: Vjp) -> Vjp:
    return lambda g, *kept: f(g, *kept) * 1.5


def float64_leak(f: Vjp) -> Vjp:
    return lambda g, *kept: f(g, *kept) * np.float64(1)


def detached(f: Vjp) -> Vjp:
    """Right in the first order, cut off in the second."""

    def vjp(g: Any, *kept: Any) -> Any:
        first = data_of([g, *kept])
        return Tensor(f(*first)) if isinstance(g, (Tensor, tuple)) else f(g, *kept)

    return vjp


def writes_into_g(f: Vjp) -> Vjp:
    def vjp(g: Any, *kept: Any) -> Any:
        part = f(g, *kept) * 1.0
        if type(g) is np.ndarray:
            g *= 2
        return part

    return vjp


KINDS = (wrong_sign, wrong_factor, float64_leak, detached, writes_into_g)
_settings = settings(
    max_examples=40, deadline=None, derandomize=True, database=None, phases=[Phase.generate]
)
_check = _settings(given(data=st.data())(test_op.hypothesis.inner_test))


def survives(name: str, position: int, kind: Callable[[Vjp], Vjp]) -> bool:
    """Whether test_op passes although the VJP for one argument of an op is broken."""
    vjp = ALL[name].op.vjps[position]
    right = vjp.function
    vjp.function = kind(right)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _check(name=name)
        return True
    except BaseException as failure:
        if isinstance(failure, KeyboardInterrupt):
            raise
        return False
    finally:
        vjp.function = right


def main() -> None:
    names = sys.argv[1:] or list(ALL)
    tried: Counter[str] = Counter()
    survivors = []
    for name in names:
        op = ALL[name].op
        for position, vjp in enumerate(op.vjps):
            if vjp is None:
                continue
            if not survives(name, position, lambda f: f):
                sys.exit(f"{name} fails its test even unbroken")
            for kind in KINDS:
                if (name, position) in FLAT and kind is not writes_into_g:
                    continue
                if op.outputs > 1 and kind is writes_into_g:
                    continue  # its g is the sweep's own
                tried[kind.__name__] += 1
                if survives(name, position, kind):
                    survivors.append(f"{kind.__name__} of {name}, argument {position}")
    print("\n".join(f"survived: {each}" for each in survivors))
    print(", ".join(f"{n} x {kind}" for kind, n in tried.items()))
    print(f"{sum(tried.values())} mutants of {len(names)} ops, {len(survivors)} survived")
    sys.exit(bool(survivors))


if __name__ == "__main__":
    main()
