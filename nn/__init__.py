"""Neural networks on tinygrad_edu: modules, losses, optimizers and data."""

import typing as _typing

from tinygrad_edu import no_grad as no_grad
from tinygrad_edu.errors import internal as _internal

from . import datasets as datasets
from . import functional as functional
from . import init as init
from . import losses as losses
from . import metrics as metrics
from . import optim as optim
from . import transforms as transforms
from .activations import *
from .callbacks import *
from .checkpoint import *
from .containers import *
from .data import *
from .function_module import *
from .habits import missing_name as _missing_name
from .history import *
from .init import manual_seed as manual_seed
from .layers import *
from .losses import *
from .model_summary import *
from .module import *
from .networks import *
from .onnx_export import *
from .optim import *
from .optim import lr_scheduler as _lr_scheduler  # noqa: F401  makes it an attribute of optim
from .schedulers import *
from .threads import set_num_threads as set_num_threads
from .trainer import *
from .transforms import Standardizer as Standardizer
from .transforms import one_hot as one_hot
from .validation import required as _required
from .watching import watched as watched

_internal.add(__name__)
Linear = Dense

if _typing.TYPE_CHECKING:  # what is imported when it is first asked for
    from . import parallel as parallel
    from .estimators import Classifier as Classifier
    from .estimators import Regressor as Regressor
    from .playground.start import playground as playground  # a module that can be called
    from .plots import *
    from .sanity_check import sanity as sanity

_LEAVES = {
    "sanity": "sanity_check",
    **dict.fromkeys(("animate_learning", "plot_attention", "plot_decision_boundary"), "plots"),
    **dict.fromkeys(("plot_filters", "plot_gradient_flow", "plot_history"), "plots"),
    "plot_predictions": "plots",
}

if not _typing.TYPE_CHECKING:  # type checkers know what star imports bring
    __all__ = [
        *("Linear", "Standardizer", "manual_seed", "no_grad", "one_hot", "watched"),
        *("parallel", "playground", "set_num_threads"),
        *("datasets", "functional", "init", "losses", "metrics", "optim", "transforms"),
        *(*activations.__all__, *callbacks.__all__, *checkpoint.__all__, *data.__all__),
        *containers.__all__,
        *(
            *function_module.__all__,
            *history.__all__,
            *layers.__all__,
            *losses.__all__,
            *model_summary.__all__,
        ),
        *(*module.__all__, *networks.__all__, *optim.__all__, *schedulers.__all__),
        *(*onnx_export.__all__, *trainer.__all__, *_LEAVES),
    ]

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name in ("parallel", "playground"):
            return import_module(f".{name}", __name__)
        if name in ("Classifier", "Regressor"):
            _required("sklearn", f"nn.{name} needs", "scikit-learn")
            return getattr(import_module(".estimators", __name__), name)
        if name in _LEAVES:
            return getattr(import_module(f".{_LEAVES[name]}", __name__), name)
        raise _missing_name(__name__, name, __all__, functional.__all__)
