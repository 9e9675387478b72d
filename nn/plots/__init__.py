"""Training made visible: plots with matplotlib, drawn into Axes of the caller or new ones."""

from .animation import *
from .attention import *
from .boundary import *
from .curves import *
from .images import *
from .layers import *

__all__ = [
    "animate_learning", "plot_attention", "plot_decision_boundary", "plot_filters",
    "plot_gradient_flow", "plot_history", "plot_predictions",
]  # fmt: skip
