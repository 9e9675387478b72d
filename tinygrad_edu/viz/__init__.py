"""Seeing a computation: its graph as a picture."""

from .draw import draw_graph
from .render import Graph

__all__ = ["Graph", "draw_graph"]
