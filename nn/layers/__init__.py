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
    "GRU", "LSTM", "RNN", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d", "AvgPool1d", "AvgPool2d",
    "AvgPool3d", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "Conv1d", "Conv2d", "Conv3d",
    "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "Dense", "Dropout", "Dropout2d",
    "Embedding", "Flatten", "GRUCell", "GlobalAvgPool", "GroupNorm", "LSTMCell", "LayerNorm",
    "MaxPool1d", "MaxPool2d", "MaxPool3d", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d",
    "MultiheadAttention", "RMSNorm", "RNNCell", "Reshape", "Residual", "TransformerBlock",
]  # fmt: skip
