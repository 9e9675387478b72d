"""The table of derivatives, one file a family.  Each op is declared in one place; see `..op`."""

from . import composed, elementwise, index, linalg, neural, plain, reduce, shape
from .elementwise import *

