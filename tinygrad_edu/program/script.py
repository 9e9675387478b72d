"""A saved program: a script that runs on saved arrays and checks its gradients."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..atomic_write import written_whole

MAIN = '''

def again(arrays):
    """The value and the gradients, with the same random numbers in each call."""
    if "_generator" in globals():
        globals()["_generator"] = np.random.default_rng(0)
    return {function}(**{{name: x.copy() for name, x in arrays.items()}})


def slope(arrays, name, index, step=1e-5):
    """By central differences: how fast the value grows with one element."""
    ahead, behind = ({{**arrays, name: arrays[name].copy()}} for _ in "ab")
    ahead[name][index] += step
    behind[name][index] -= step
    return (total(ahead) - total(behind)) / (2 * step)


def total(arrays):
    value, _ = again(arrays)
    return float(sum(np.sum(v) for v in value) if isinstance(value, tuple) else value)


if __name__ == "__main__":
    import pathlib
    import sys

    with np.load(pathlib.Path(__file__).with_suffix(".npz")) as saved:
        arrays = {{
            name: saved[name].astype(float) if saved[name].dtype.kind == "f" else saved[name]
            for name in saved
        }}
    value, gradients = again(arrays)
    print("value", value)
    wrong = 0
    for name, gradient in gradients.items():
        largest = np.argsort(-abs(gradient), axis=None)[:3]
        for index in zip(*np.unravel_index(largest, gradient.shape), strict=True):
            numeric = slope(arrays, name, index)
            agrees = abs(gradient[index] - numeric) <= 1e-4 * max(1, abs(numeric))
            wrong += not agrees
            place = f"{{name}}[{{', '.join(map(str, index))}}]"
            verdict = "agree" if agrees else "DIFFER"
            print(f"{{place:40}} {{gradient[index]:12.6g}} {{numeric:12.6g}}  {{verdict}}")
    sys.exit(wrong > 0)
'''


def write(path: Path, function: str, code: str, arrays: dict[str, np.ndarray]) -> None:
    """Write the script and its arrays, the arrays first."""
    with written_whole(path.with_suffix(".npz")) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    with written_whole(path) as file:
        file.write((code + MAIN.format(function=function)).encode())
