"""Seeing a computation: its graph as a picture, its backward pass step by step, what is wrong."""

from .anomaly import detect_anomaly
from .chain_rule import explain
from .draw import draw_graph
from .observation import observe
from .reasons import why
from .render import Graph

__all__ = ["Graph", "detect_anomaly", "draw_graph", "explain", "observe", "why"]
