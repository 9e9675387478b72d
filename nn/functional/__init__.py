"""Network-like functions, as in PyTorch: `import nn.functional as F`.

What has a derivative of its own is an op of `tinygrad_edu.ops` and is only found here; the others
are composed of ops and check what they are given.  Layers and losses that keep their options, and
layers with parameters, are built on these functions, in files of the same names.

Names, argument orders and defaults are PyTorch's, but `axis` for `dim`, which is the last one by
default, and weights of `linear` are (in, out).  An array is as good as a Tensor; losses return
Tensors, of arrays too.

>>> import numpy as np
>>> import nn.functional as F
>>> F.relu(np.array([-1.0, 2.0]))
array([0., 2.])
>>> F.layer_norm(np.array([[1.0, 3.0]]), (2,), eps=0.0)
array([[-1.,  1.]])
"""

from tinygrad_edu.ops import (  # noqa: I001
    avg_pool1d, avg_pool2d, avg_pool3d, conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d,
    conv_transpose3d, dense, elu, leaky_relu, log_softmax, logsigmoid, mish, relu, selu, sigmoid,
    silu, softmax, softsign, tanh,
)  # fmt: skip

from .activations import *
from .attention import *
from .binary import *
from .classification import *
from .distributions import *
from .margins import *
from .normalization import *
from .pooling import *
from .regression import *
from .regularization import *
from .sparse import *

linear = dense

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d",
    "adaptive_max_pool2d", "adaptive_max_pool3d", "attention_weights", "avg_pool1d", "avg_pool2d",
    "avg_pool3d", "batch_norm", "binary_cross_entropy", "binary_cross_entropy_with_logits",
    "categorical_cross_entropy", "celu", "conv1d", "conv2d", "conv3d", "conv_transpose1d",
    "conv_transpose2d", "conv_transpose3d", "cosine_embedding_loss", "cosine_similarity",
    "cross_entropy", "dense", "dropout", "dropout2d", "elu", "embedding", "focal_loss",
    "gaussian_nll_loss", "gelu", "global_avg_pool", "glu", "group_norm", "hardshrink",
    "hardsigmoid", "hardswish", "hardtanh", "hinge_embedding_loss", "hinge_loss", "huber_loss",
    "kl_div", "l1_loss", "layer_norm", "leaky_relu", "linear", "log_softmax", "logsigmoid",
    "margin_ranking_loss", "max_pool1d", "max_pool2d", "max_pool3d", "max_unpool1d",
    "max_unpool2d", "max_unpool3d", "mish", "mse_loss", "multi_margin_loss",
    "multiclass_hinge_loss", "multilabel_soft_margin_loss", "nll_loss", "one_hot",
    "poisson_nll_loss", "prelu", "relu", "relu6", "rms_norm", "scaled_dot_product_attention",
    "selu", "sigmoid", "sigmoid_focal_loss", "silu", "smooth_l1_loss", "soft_margin_loss",
    "softmax", "softmin", "softplus", "softshrink", "softsign", "tanh", "tanhshrink", "threshold",
    "triplet_margin_loss",
]  # fmt: skip


import typing as _typing  # noqa: E402

from tinygrad_edu import errors as _errors  # noqa: E402


def __dir__() -> list[str]:
    return __all__


if not _typing.TYPE_CHECKING:  # or type checkers would take any attribute

    def __getattr__(name: str) -> object:
        raise _errors.missing_function(__name__, name)
