"""Seeing a computation: its graph as a picture."""

from .draw import draw_graph
from .observation import observe
from .render import Graph

__all__ = ["Graph", "draw_graph", "observe"]
