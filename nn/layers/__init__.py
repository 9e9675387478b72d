"""Layers: modules with parameters."""

from .attention import MultiheadAttention, TransformerBlock
from .convolution import Conv1d, Conv2d, ConvTranspose2d
from .dense import Dense
from .embedding import Embedding
from .normalisation import BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm, RMSNorm
from .pooling import AdaptiveAvgPool2d, AvgPool1d, AvgPool2d, GlobalAvgPool, MaxPool1d, MaxPool2d
from .recurrent import GRU, LSTM, RNN
from .regularisation import (
    Dropout,
    Dropout2d,
)
from .shaping import (
    Flatten,
    Reshape,
    Residual,
)

__all__ = [
    "GRU", "LSTM", "RNN", "AdaptiveAvgPool2d", "AvgPool1d", "AvgPool2d", "BatchNorm1d",
    "BatchNorm2d", "Conv1d", "Conv2d", "ConvTranspose2d", "Dense", "Dropout", "Dropout2d",
    "Embedding", "Flatten", "GlobalAvgPool", "GroupNorm", "LayerNorm", "MaxPool1d", "MaxPool2d",
    "MultiheadAttention", "RMSNorm", "Reshape", "Residual", "TransformerBlock",
]  # fmt: skip
