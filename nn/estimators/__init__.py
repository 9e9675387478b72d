"""Networks as scikit-learn's estimators: `nn.Classifier` and `nn.Regressor`."""

from .classifier import Classifier as Classifier
from .regressor import Regressor as Regressor

__all__ = ["Classifier", "Regressor"]
