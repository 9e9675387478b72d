"""Layers: modules with parameters, and modules of functions."""

from .attention import *
from .convolution import *
from .dense import *
from .dropout import *
from .embedding import *
from .normalization import *
from .pooling import *
from .recurrent import *
from .shaping import *

__all__ = [
    "GRU", "LSTM", "RNN", "AdaptiveAvgPool2d", "AvgPool1d", "AvgPool2d", "BatchNorm1d",
    "BatchNorm2d", "BatchNorm3d",
    "Conv1d", "Conv2d", "ConvTranspose2d", "Dense", "Dropout", "Dropout2d",
    "Embedding", "Flatten", "GlobalAvgPool", "GroupNorm", "LayerNorm", "MaxPool1d", "MaxPool2d",
    "MultiheadAttention", "RMSNorm", "Reshape", "Residual", "TransformerBlock",
]  # fmt: skip
