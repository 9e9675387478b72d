"""The methods of Tensor, generated from the ops by `make stubs`."""

from typing import Any

import numpy as np

from .tensor import Tensor

Operand = Tensor | np.ndarray[Any, np.dtype[Any]] | float
Axis = int | tuple[int, ...] | None

class Methods:
    def absolute(self) -> Tensor:
        """Absolute value.  y = |x|,  ∂L/∂x = g sign x,  0 at 0"""

    def add(self, y: Operand) -> Tensor:
        """Sum.  z = x + y,  ∂L/∂x = g,  ∂L/∂y = g"""

    def all(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        """Whether all elements are nonzero, as a plain array."""

    def any(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        """Whether any element is nonzero, as a plain array."""

    def argmax(self, axis: int | None = None, *, keepdims: bool = False) -> np.ndarray:
        """Where the largest element is, as a plain array of indices."""

    def argmin(self, axis: int | None = None, *, keepdims: bool = False) -> np.ndarray:
        """Where the smallest element is, as a plain array of indices."""

    def astype(self, dtype: Any) -> Tensor | np.ndarray:
        """As another type: a plain array if that is not floating, since then it has no gradient."""

    def binary_cross_entropy_with_logits(self, targets: Operand) -> Tensor:
        """Cross-entropy of a logit and a probability t.
        
        y = ln(1 + eˣ) - t x,  ∂L/∂x = g (σ(x) - t),  ∂L/∂t = -g x"""

    def broadcast_to(self, shape: Any) -> Tensor:
        """Repeated along new or stretched axes.  y = x,  ∂L/∂x = Σ g over them"""

    def clamp(self, min: Operand | None = None, max: Operand | None = None) -> Tensor:
        """x between two bounds.  y = min(max(x, a), b),  ∂L/∂x = g [a ≤ x ≤ b],  1 at the bounds"""

    def clip(self, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Tensor:
        """Between two bounds, None for no bound: `clamp` with NumPy's two spellings."""

    def copy(self) -> Tensor:
        """A copy.  y = x,  ∂L/∂x = g"""

    def cross_entropy(self, targets: Operand, reduction: str = 'mean') -> Tensor:
        """Cross-entropy of logits and a class t.  y = ln Σ eˣ - xₜ,  ∂L/∂x = g (softmax x - [t])"""

    def divide(self, y: Operand) -> Tensor:
        """Quotient.  z = x / y,  ∂L/∂x = g / y,  ∂L/∂y = -g z / y"""

    def exp(self) -> Tensor:
        """Exponential.  y = eˣ,  ∂L/∂x = g y"""

    def expand_dims(self, axis: Any) -> Tensor:
        """An axis of size 1 inserted.  y = x,  ∂L/∂x = g in the shape of x"""

    def flatten(self) -> Tensor:
        """All elements along one axis, row by row."""

    def log(self) -> Tensor:
        """Natural logarithm.  y = ln x,  ∂L/∂x = g / x"""

    def log_softmax(self, axis: int = -1) -> Tensor:
        """Logarithm of the softmax.  y = x - ln Σ eˣ,  ∂L/∂x = g - eʸ Σ g"""

    def logsumexp(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Logarithm of a sum of exponentials.  y = ln Σ eˣ,  ∂L/∂x = g softmax x"""

    def matmul(self, y: Operand) -> Tensor:
        """Matrix product over the last two axes.  z = x y,  ∂L/∂x = g yᵀ,  ∂L/∂y = xᵀ g"""

    def max(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Largest element.  y = max xᵢ,  ∂L/∂xᵢ = g / m for the m largest,  0 for the others"""

    def maximum(self, y: Operand) -> Tensor:
        """The larger.  z = max(x, y),  ∂L/∂x = g [x > y],  ∂L/∂y = g [y > x],  ties share equally"""

    def mean(self, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
        """Mean.  y = Σ xᵢ / n,  ∂L/∂xᵢ = g / n"""

    def min(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Smallest element.  y = min xᵢ,  ∂L/∂xᵢ = g / m for the m smallest,  0 for the others"""

    def minimum(self, y: Operand) -> Tensor:
        """The smaller.  z = min(x, y),  ∂L/∂x = g [x < y],  ∂L/∂y = g [y < x],  ties share equally"""

    def multiply(self, y: Operand) -> Tensor:
        """Product.  z = x y,  ∂L/∂x = g y,  ∂L/∂y = g x"""

    def negative(self) -> Tensor:
        """Negation.  y = -x,  ∂L/∂x = -g"""

    def positive(self) -> Tensor:
        """The same value.  y = x,  ∂L/∂x = g"""

    def power(self, y: Operand) -> Tensor:
        """Power.  z = xʸ,  ∂L/∂x = g y xʸ⁻¹,  ∂L/∂y = g z ln x"""

    def ravel(self) -> Tensor:
        """All elements along one axis, row by row."""

    def relu(self) -> Tensor:
        """Rectifier.  y = max(x, 0),  ∂L/∂x = g [x > 0],  0 at 0"""

    def remainder(self, y: Operand) -> Tensor:
        """Remainder of that quotient.  z = x - y ⌊x / y⌋,  ∂L/∂x = g,  ∂L/∂y = -g ⌊x / y⌋"""

    def reshape(self, *shape: Any) -> Tensor:
        """In another shape, given as a tuple or piecewise; one size may be -1."""

    def sigmoid(self) -> Tensor:
        """Logistic function.  y = 1 / (1 + e⁻ˣ),  ∂L/∂x = g y (1 - y)"""

    def sign(self) -> Tensor:
        """Sign.  y = -1, 0 or 1,  ∂L/∂x = 0"""

    def softmax(self, axis: int = -1) -> Tensor:
        """Softmax.  y = eˣ / Σ eˣ,  ∂L/∂x = y (g - Σ g y)"""

    def sqrt(self) -> Tensor:
        """Square root.  y = √x,  ∂L/∂x = g / 2y"""

    def squeeze(self, axis: Any = None) -> Tensor:
        """Axes of size 1 removed.  y = x,  ∂L/∂x = g in the shape of x"""

    def std(self, axis: Axis = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False) -> Tensor:
        """Standard deviation.  y = √(Σ (xᵢ - x̄)² / m),  m = n - ddof,
        
        ∂L/∂xᵢ = g (xᵢ - x̄) / (m y),  0 at y = 0"""

    def subtract(self, y: Operand) -> Tensor:
        """Difference.  z = x - y,  ∂L/∂x = g,  ∂L/∂y = -g"""

    def sum(self, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
        """Sum.  y = Σ xᵢ,  ∂L/∂xᵢ = g"""

    def swapaxes(self, axis1: int, axis2: int) -> Tensor:
        """Two axes exchanged.  y = x with i ↔ j,  ∂L/∂x = g with i ↔ j"""

    def tanh(self) -> Tensor:
        """Hyperbolic tangent.  y = tanh x,  ∂L/∂x = g (1 - y²)"""

    def transpose(self, *axes: Any) -> Tensor:
        """The axes in another order, given as a tuple or piecewise; reversed if none is given."""

    def var(self, axis: Axis = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False) -> Tensor:
        """Variance.  y = Σ (xᵢ - x̄)² / (n - ddof),  ∂L/∂xᵢ = 2 g (xᵢ - x̄) / (n - ddof)"""

    def where(self, x: Operand, y: Operand) -> Tensor:
        """Choice.  z = x where the condition holds, else y;  ∂L/∂x = g there,  ∂L/∂y = g elsewhere"""
