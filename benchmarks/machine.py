"""The machine and the versions with which the timings were measured."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

import numpy as np

PEERS = ("torch", "jax", "mygrad", "autograd", "dezero", "micrograd", "tinygrad")


def describe() -> list[str]:
    """The machine, Python, NumPy with its BLAS, and the versions of the peers."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return [
        f"{_cpu()}, {os.cpu_count()} cores, {platform.system()}",
        f"Python {platform.python_version()}, NumPy {np.__version__} with "
        f"{blas['name']} {blas['version']}",
        ", ".join(f"{name} {version}" for name in PEERS if (version := _version(name))),
    ]


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu() -> str:
    """The processor's name, or its architecture if the system does not report a name."""
    info = Path("/proc/cpuinfo")
    for line in info.read_text().splitlines() if info.exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
