"""What the tests leave out where an optional package is missing."""

from importlib.util import find_spec

# The modules of nn.parallel are imported without MPI; the examples in their docstrings need it.
collect_ignore_glob = [] if find_spec("mpi4py") else ["nn/parallel/*.py"]
