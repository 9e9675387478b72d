"""Every declared op written as a program: value and gradients bit for bit those of the engine.

The programs are run in a process that cannot import the library, and read by `ruff format`.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tinygrad_edu import Program, Tensor, compile, trace

from .samples import ALL, calls

RUNNER = """
    import pickle, sys
    sys.modules["tinygrad_edu"] = None  # so that importing it fails
    import numpy as np

    for name, code, arrays, value, gradients in pickle.load(open(sys.argv[1], "rb")):
        namespace = {}
        exec(code, namespace)
        found, slopes = namespace["loss"](*arrays)
        assert np.array_equal(found, value), (name, found, value)
        assert set(slopes) == set(gradients), name
        for key, g in gradients.items():
            same = np.array_equal(slopes[key], g) and slopes[key].dtype == g.dtype
            assert same, (name, key, slopes[key], g, code)
"""

Case = tuple[str, str, list[Any], Any, dict[str, Any]]

pytestmark = pytest.mark.usefixtures("no_program_fails")


def case_of(name: str, program: Program, value: Any) -> Case:
    """A program, and what the engine has found for the same arrays."""
    written = program.written
    tensors = {key: v.tensor for key, v in written.parameters.items()}
    arrays = [*program.inputs, *(t.data for t in tensors.values()), *program.constants.values()]
    names = {written.writer.name_of(v) for v in written.variables}
    return name, program.code, arrays, value, {key: tensors[key].grad for key in names}


def summed(outputs: Any) -> Any:
    """The squares of all outputs, whose upstream gradients differ from element to element."""
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    first, *others = [(y * y).sum() for y in outputs]
    return sum(others, first)


FAMILIES: dict[str, list[str]] = {}
for _name, _call in ALL.items():
    FAMILIES.setdefault(_call.op.forward.__module__.rpartition(".")[2], []).append(_name)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_ops_of_a_family_are_written_as_the_engine_computes(
    family: str, tmp_path: Path
) -> None:
    cases = [case for name in FAMILIES[family] for case in cases_of(name)]
    assert {case[0] for case in cases} == set(FAMILIES[family])
    run_elsewhere(cases, tmp_path)
    check_format(cases, tmp_path)


def cases_of(name: str) -> list[Case]:
    """Programs of an op for arrays that are drawn, compared with the engine."""
    call = ALL[name]
    cases: list[Case] = []

    @settings(
        max_examples=5, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(data=st.data())
    def run(data: st.DataObject) -> None:
        arrays, statics = data.draw(calls(call.op))
        leaves: list[Any] = [
            Tensor(x, requires_grad=True, name=f"x{i}") if _is_float(x) else x
            for i, x in enumerate(arrays)
        ]

        def loss() -> Any:
            given = [leaves] if call.op.sequence else leaves
            return summed(call(*given, **statics))

        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                value = loss()
                value.backward()
            except Exception:
                return  # the draw is outside of the op's domain, or has no gradient
            if not np.isfinite(value.data):
                return
            program = trace(loss)
            found, gradients = program()
        assert np.array_equal(found, value.data)
        if all(np.isfinite(g).all() for g in gradients.values()):
            cases.append(case_of(name, program, value.data))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compare_compiled(loss, [x for x in leaves if isinstance(x, Tensor)])
        for key, g in gradients.items():
            expected = program.written.parameters[key].tensor.grad
            assert np.array_equal(g, expected, equal_nan=True), (key, program.code)
            assert g.dtype == expected.dtype

    run()
    return cases


def compare_compiled(loss: Any, leaves: list[Tensor]) -> None:
    """The compiled function, twice, has the values and gradients that the leaves have by now."""
    expected = [x.grad for x in leaves]
    compiled = compile(loss)
    for _ in range(2):
        for x in leaves:
            x.grad = None
        compiled().backward()
        for x, g in zip(leaves, expected, strict=True):
            same = (x.grad is g) if x.grad is None or g is None else x.grad.dtype == g.dtype
            assert same, x.name
            assert g is None or np.array_equal(x.grad, g, equal_nan=True), x.name  # type: ignore[arg-type]
    for x, g in zip(leaves, expected, strict=True):
        x.grad = g


def _is_float(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def run_elsewhere(cases: list[Case], folder: Path) -> None:
    """Run programs in a process that cannot import the library."""
    path = folder / "cases.pickle"
    path.write_bytes(pickle.dumps(cases))
    runner = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(RUNNER), str(path)]
    done = subprocess.run(runner, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def check_format(cases: list[Case], folder: Path) -> None:
    """Compare the code with what `ruff format` makes of it."""
    for i, case in enumerate(cases):
        (folder / f"{case[0]}_{i}.py").write_text(case[1], encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff", "format", "--diff", "--isolated", str(folder)]
    done = subprocess.run(ruff, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[:3000]
