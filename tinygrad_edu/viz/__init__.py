"""Seeing a computation: its graph as a picture, its backward pass step by step."""

from .draw import draw_graph
from .explanation import explain
from .observation import observe
from .render import Graph

__all__ = ["Graph", "draw_graph", "explain", "observe"]
