"""Neural networks on tinygrad_edu: modules, losses, optimizers and data."""

from tinygrad_edu.errors import internal

from . import datasets, init, metrics, optim
from .activations import ReLU, Sigmoid, Softmax, Tanh
from .data import DataLoader, Dataset
from .init import manual_seed
from .layers import Dense
from .losses import CrossEntropyLoss, MSELoss, cross_entropy, mse_loss
from .module import (
    Module,
    ModuleList,
    Parameter,
    Sequential,
    get_default_dtype,
    set_default_dtype,
)
from .optim import SGD, Adadelta, Adagrad, Adam, AdamW, NAdam, Optimizer, RAdam, RMSprop
from .schedulers import (
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LinearLR,
    MultiStepLR,
    OneCycleLR,
    ReduceLROnPlateau,
    StepLR,
)

internal.add(__name__)
Linear = Dense

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CrossEntropyLoss",
    "DataLoader",
    "Dataset",
    "Dense",
    "ExponentialLR",
    "Linear",
    "LinearLR",
    "MSELoss",
    "Module",
    "ModuleList",
    "MultiStepLR",
    "NAdam",
    "OneCycleLR",
    "Optimizer",
    "Parameter",
    "RAdam",
    "RMSprop",
    "ReLU",
    "ReduceLROnPlateau",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "StepLR",
    "Tanh",
    "cross_entropy",
    "datasets",
    "get_default_dtype",
    "init",
    "manual_seed",
    "metrics",
    "mse_loss",
    "optim",
    "set_default_dtype",
]
