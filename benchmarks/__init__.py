"""Timings against hand-written NumPy and other libraries: `python -m benchmarks --help`."""
