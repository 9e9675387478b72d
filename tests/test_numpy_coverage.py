"""What HIPS autograd and MyGrad differentiate of NumPy is differentiated here."""

from __future__ import annotations

import numpy as np
import pytest

from docs.coverage import ENGINES
from tinygrad_edu.registry import NONDIFFERENTIABLE, OPS
from tinygrad_edu.unrecorded import full_name

LEFT_OUT = {
    "np.array",  # NumPy converts Tensors to arrays before anybody is asked
    "np.full",
    "np.linalg.eig",  # complex
}


@pytest.mark.parametrize("engine", ENGINES)
def test_numpys_functions(engine: str) -> None:
    ours = set(map(full_name, OPS))
    missing = {
        name
        for name in ENGINES[engine]["functions"]
        if name.startswith("np.") and name not in ours | LEFT_OUT
    }
    assert all(name.startswith("np.fft.") for name in missing), missing


@pytest.mark.parametrize("engine", ENGINES)
def test_scipys_ufuncs(engine: str) -> None:
    special = pytest.importorskip("scipy.special")
    pytest.importorskip("tinygrad_edu.ops.extended.scipy_special")
    names = [n.rpartition(".")[2] for n in ENGINES[engine]["functions"] if "scipy.special" in n]
    ufuncs = [f for f in (getattr(special, name) for name in names) if isinstance(f, np.ufunc)]
    assert [f.__name__ for f in ufuncs if f not in OPS] == []


def test_nothing_is_in_both_tables() -> None:
    assert not NONDIFFERENTIABLE.intersection(OPS)


def test_full_names() -> None:
    names = {
        np.add: "np.add",
        np.fft.fft: "np.fft.fft",
        np.linalg.eig: "np.linalg.eig",
        np.sinc: "np.sinc",
        np.lib.stride_tricks.as_strided: "np.lib.stride_tricks.as_strided",
    }
    assert {f: full_name(f) for f in names} == names
    assert full_name(np.frompyfunc(abs, 1, 1)).startswith("abs")  # whose ufunc it is, nobody knows
