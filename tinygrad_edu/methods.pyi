"""The methods of Tensor, generated from the ops by `make stubs`."""

from typing import Any

import numpy as np

from .tensor import Tensor

Operand = Tensor | np.ndarray[Any, np.dtype[Any]] | float
Axis = int | tuple[int, ...] | None

class Methods:
    def abs(self) -> Tensor:
        """Absolute value.  y = |x|,  ∂L/∂x = g sign x,  0 at 0"""

    def absolute(self) -> Tensor:
        """Absolute value.  y = |x|,  ∂L/∂x = g sign x,  0 at 0"""

    def add(self, y: Operand) -> Tensor:
        """Sum.  z = x + y,  ∂L/∂x = g,  ∂L/∂y = g"""

    def all(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        """Whether all elements are nonzero, as a plain array."""

    def any(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        """Whether any element is nonzero, as a plain array."""

    def arccos(self) -> Tensor:
        """Inverse cosine.  y = arccos x,  ∂L/∂x = -g / √(1 - x²)"""

    def arccosh(self) -> Tensor:
        """Inverse hyperbolic cosine.  y = arcosh x,  ∂L/∂x = g / √(x² - 1)"""

    def arcsin(self) -> Tensor:
        """Inverse sine.  y = arcsin x,  ∂L/∂x = g / √(1 - x²)"""

    def arcsinh(self) -> Tensor:
        """Inverse hyperbolic sine.  y = arsinh x,  ∂L/∂x = g / √(1 + x²)"""

    def arctan(self) -> Tensor:
        """Inverse tangent.  y = arctan x,  ∂L/∂x = g / (1 + x²)"""

    def arctan2(self, x: Operand) -> Tensor:
        """Angle of the point (x, y).  z = arctan(y / x),  ∂L/∂y = g x / r²,  ∂L/∂x = -g y / r²"""

    def arctanh(self) -> Tensor:
        """Inverse hyperbolic tangent.  y = artanh x,  ∂L/∂x = g / (1 - x²)"""

    def argmax(self, axis: int | None = None, *, keepdims: bool = False) -> np.ndarray:
        """Where the largest element is, as a plain array of indices."""

    def argmin(self, axis: int | None = None, *, keepdims: bool = False) -> np.ndarray:
        """Where the smallest element is, as a plain array of indices."""

    def argpartition(self, kth: Any, axis: int | None = -1) -> np.ndarray:
        """The indices that would put the k-th smallest at its place, as a plain array."""

    def argsort(self, axis: int | None = -1, kind: Any = None, *, stable: bool | None = None) -> np.ndarray:
        """The indices that would sort, as a plain array."""

    def astype(self, dtype: Any, *, copy: bool = True) -> Tensor | np.ndarray:
        """As another type: a plain array if that is not floating, since then it has no gradient."""

    def binary_cross_entropy_with_logits(self, targets: Operand, reduction: str = 'none') -> Tensor:
        """Cross-entropy of a logit and a probability t, of each pair unless reduced.
        
        y = ln(1 + eˣ) - t x,  ∂L/∂x = g (σ(x) - t),  ∂L/∂t = -g x"""

    def broadcast_to(self, shape: Any) -> Tensor:
        """Repeated along new or stretched axes.  y = x,  ∂L/∂x = Σ g over them"""

    def ceil(self) -> Tensor:
        """Rounded up.  y = ⌈x⌉,  ∂L/∂x = 0"""

    def clamp(self, min: Operand | None = None, max: Operand | None = None) -> Tensor:
        """x between two bounds.  y = min(max(x, a), b),  ∂L/∂x = g [a ≤ x ≤ b],  1 at the bounds"""

    def clip(self, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Tensor:
        """Between two bounds, None for no bound: `clamp` with NumPy's two spellings."""

    def compress(self, condition: Any, axis: int | None = None) -> Tensor:
        """The slices along an axis, or the elements, where the condition holds."""

    def copy(self) -> Tensor:
        """A copy.  y = x,  ∂L/∂x = g"""

    def cos(self) -> Tensor:
        """Cosine.  y = cos x,  ∂L/∂x = -g sin x"""

    def cosh(self) -> Tensor:
        """Hyperbolic cosine.  y = cosh x,  ∂L/∂x = g sinh x"""

    def cross(self, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Tensor:
        """Vector product of vectors in three dimensions."""

    def cross_entropy(self, targets: Operand, reduction: str = 'mean') -> Tensor:
        """Cross-entropy of logits and a class t.  y = ln Σ eˣ - xₜ,  ∂L/∂x = g (softmax x - [t])"""

    def cumprod(self, axis: int | None = None, dtype: Any = None) -> Tensor:
        """Running product.  yₖ = Π xᵢ over i ≤ k,  ∂L/∂xᵢ = Σ gₖ Π of the others, over k ≥ i"""

    def cumsum(self, axis: int | None = None, dtype: Any = None) -> Tensor:
        """Running sum.  yₖ = Σ xᵢ over i ≤ k,  ∂L/∂xᵢ = Σ gₖ over k ≥ i"""

    def det(self) -> Tensor:
        """Determinant.  y = det A,  ∂L/∂A = g cof A,  for singular matrices too
        
        The second derivative divides by y, so it needs invertible ones."""

    def diag(self, k: int = 0) -> Tensor:
        """A matrix's diagonal, or the matrix that a vector is the diagonal of."""

    def diagflat(self, k: int = 0) -> Tensor:
        """The matrix that all elements, row by row, are the diagonal of."""

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """The diagonals of the matrices along two axes."""

    def divide(self, y: Operand) -> Tensor:
        """Quotient.  z = x / y,  ∂L/∂x = g / y,  ∂L/∂y = -g z / y"""

    def dot(self, b: Any) -> Tensor:
        """Sum of products over the last axis of a and the last but one of b, which may be a vector."""

    def erf(self) -> Tensor:
        """Error function.  y = 2/√π ∫₀ˣ exp(-t²) dt,  ∂L/∂x = 2/√π g exp(-x²)"""

    def exp(self) -> Tensor:
        """Exponential.  y = eˣ,  ∂L/∂x = g y"""

    def exp2(self) -> Tensor:
        """Power of 2.  y = 2ˣ,  ∂L/∂x = g y ln 2"""

    def expand_dims(self, axis: Any) -> Tensor:
        """An axis of size 1 inserted.  y = x,  ∂L/∂x = g in the shape of x"""

    def expm1(self) -> Tensor:
        """Exponential less 1, precise near 0.  y = eˣ - 1,  ∂L/∂x = g eˣ"""

    def flatten(self, order: str = 'C') -> Tensor:
        """All elements along one axis, row by row, or with order="F" column by column."""

    def flip(self, axis: Any = None) -> Tensor:
        """Reversed along the axes.  y[i] = x[n - 1 - i],  ∂L/∂x = g reversed"""

    def fliplr(self) -> Tensor:
        """Reversed along the second axis."""

    def flipud(self) -> Tensor:
        """Reversed along the first axis."""

    def float_power(self, y: Any) -> Any:
        """Power, in float64 at least.  z = xʸ"""

    def floor(self) -> Tensor:
        """Rounded down.  y = ⌊x⌋,  ∂L/∂x = 0"""

    def fmax(self, y: Operand) -> Tensor:
        """The larger, or the one that is not NaN.  z = max(x, y),  ∂L/∂x = g [x > y],  as maximum"""

    def fmin(self, y: Operand) -> Tensor:
        """The smaller, or the one that is not NaN.  z = min(x, y),  ∂L/∂x = g [x < y],  as minimum"""

    def fmod(self, y: Operand) -> Tensor:
        """Remainder with the sign of x.  z = x - y k,  k = trunc(x/y),  ∂L/∂x = g,  ∂L/∂y = -g k"""

    def gather(self, axis: int, index: Any) -> Tensor:
        """y[i, j] = x[index[i, j], j] along the first axis and so on: PyTorch's, of the index's shape.
        
        On the other axes the index may be shorter than x."""

    def hypot(self, y: Operand) -> Tensor:
        """Length of (x, y).  z = √(x² + y²),  ∂L/∂x = g x / z,  ∂L/∂y = g y / z,  0 at (0, 0)"""

    def index_add(self, index: Any, values: Any) -> Tensor:
        """A new array, what `a[index] += values` makes of a copy; equal indices add, every one.
        
        >>> index_add(Tensor([1.0, 2.0]), [0, 0, 1], [10.0, 20.0, 30.0])
        Tensor([31., 32.])"""

    def index_put(self, index: Any, values: Any) -> Tensor:
        """A new array, what `a[index] = values` makes of a copy; of equal indices the last one counts.
        
        >>> index_put(Tensor([1.0, 2.0, 3.0]), slice(1, None), 0)
        Tensor([1., 0., 0.])"""

    def inner(self, b: Any) -> Tensor:
        """Sum of products over the last axes."""

    def kron(self, b: Any) -> Tensor:
        """Kronecker product: b in the place of each element of a, times that element."""

    def log(self) -> Tensor:
        """Natural logarithm.  y = ln x,  ∂L/∂x = g / x"""

    def log10(self) -> Tensor:
        """Logarithm to base 10.  y = log₁₀ x,  ∂L/∂x = g / (x ln 10)"""

    def log1p(self) -> Tensor:
        """Logarithm of 1 + x, precise near 0.  y = ln(1 + x),  ∂L/∂x = g / (1 + x)"""

    def log2(self) -> Tensor:
        """Logarithm to base 2.  y = log₂ x,  ∂L/∂x = g / (x ln 2)"""

    def log_softmax(self, axis: int = -1) -> Tensor:
        """Logarithm of the softmax.  y = x - ln Σ eˣ,  ∂L/∂x = g - eʸ Σ g"""

    def logaddexp(self, y: Operand) -> Tensor:
        """Logarithm of a sum of exponentials.  z = ln(eˣ + eʸ),  ∂L/∂x = g eˣ⁻ᶻ,  ∂L/∂y = g eʸ⁻ᶻ"""

    def logaddexp2(self, y: Operand) -> Tensor:
        """The same to base 2.  z = log₂(2ˣ + 2ʸ),  ∂L/∂x = g 2ˣ⁻ᶻ,  ∂L/∂y = g 2ʸ⁻ᶻ"""

    def logsumexp(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Logarithm of a sum of exponentials.  y = ln Σ eˣ,  ∂L/∂x = g softmax x"""

    def matmul(self, y: Operand) -> Tensor:
        """Matrix product over the last two axes.  z = x y,  ∂L/∂x = g yᵀ,  ∂L/∂y = xᵀ g"""

    def matrix_power(self, n: int) -> Tensor:
        """The product of n equal square matrices, or of -n inverses; of none, the identity."""

    def max(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Largest element.  y = max xᵢ,  ∂L/∂xᵢ = g / m for the m largest,  0 for the others"""

    def maximum(self, y: Operand) -> Tensor:
        """The larger.  z = max(x, y),  ∂L/∂x = g [x > y],  ∂L/∂y = g [y > x],  ties share equally"""

    def mean(self, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
        """Mean.  y = Σ xᵢ / n,  ∂L/∂xᵢ = g / n"""

    def median(self, axis: Axis = None, *, keepdims: bool = False) -> Any:
        """The middle element, or the mean of the two; of equal elements, one has the derivative."""

    def min(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Smallest element.  y = min xᵢ,  ∂L/∂xᵢ = g / m for the m smallest,  0 for the others"""

    def minimum(self, y: Operand) -> Tensor:
        """The smaller.  z = min(x, y),  ∂L/∂x = g [x < y],  ∂L/∂y = g [y < x],  ties share equally"""

    def moveaxis(self, source: Any, destination: Any) -> Tensor:
        """Axes at other positions.  y = x with i → j,  ∂L/∂x = g with j → i"""

    def multiply(self, y: Operand) -> Tensor:
        """Product.  z = x y,  ∂L/∂x = g y,  ∂L/∂y = g x"""

    def nan_to_num(self, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Tensor:
        """Numbers in place of NaN and infinities.  y = x if finite,  ∂L/∂x = g there,  else 0"""

    def nanmean(self, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
        """Mean of what is not NaN."""

    def nansum(self, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
        """Sum of what is not NaN."""

    def negative(self) -> Tensor:
        """Negation.  y = -x,  ∂L/∂x = -g"""

    def norm(self, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Norm of vectors or matrices, of every order that NumPy has; of all elements if none is given.
        
        At a matrix norm of order 2, -2 or "nuc" equal singular values are no obstacle in the first
        derivative, and are in the second (see `svd`)."""

    def outer(self, b: Operand) -> Tensor:
        """The products of all elements of a with all of b.  Z = a bᵀ,  ∂L/∂a = g b,  ∂L/∂b = gᵀ a"""

    def positive(self) -> Tensor:
        """The same value.  y = x,  ∂L/∂x = g"""

    def power(self, y: Operand) -> Tensor:
        """Power.  z = xʸ,  ∂L/∂x = g y xʸ⁻¹,  ∂L/∂y = g z ln x"""

    def prod(self, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
        """Product.  y = Π xᵢ,  ∂L/∂xᵢ = g times the product of the others"""

    def quantile(self, q: Any, axis: Axis = None, *, method: str = 'linear', keepdims: bool = False) -> Any:
        """What a share q of the elements lies below, between two of them a straight line.
        
        q, a constant, may be an array: its axes come first.  Of equal elements, one has the derivative."""

    def ravel(self, order: str = 'C') -> Tensor:
        """All elements along one axis, row by row, or with order="F" column by column."""

    def reciprocal(self) -> Tensor:
        """Reciprocal.  y = 1 / x,  ∂L/∂x = -g y²"""

    def relu(self) -> Tensor:
        """Rectifier.  y = max(x, 0),  ∂L/∂x = g [x > 0],  0 at 0"""

    def remainder(self, y: Operand) -> Tensor:
        """Remainder of that quotient.  z = x - y ⌊x / y⌋,  ∂L/∂x = g,  ∂L/∂y = -g ⌊x / y⌋"""

    def repeat(self, repeats: Any, axis: int | None = None) -> Tensor:
        """Each element several times in a row.  y = x₁ x₁ x₂ x₂ ...,  ∂L/∂xᵢ = Σ g over its copies"""

    def reshape(self, *shape: Any, order: str = 'C') -> Tensor:
        """In another shape, given as a tuple or piecewise; one size may be -1."""

    def roll(self, shift: Any, axis: Any = None) -> Tensor:
        """Shifted along the axes, in a circle.  y[i + k] = x[i],  ∂L/∂x = g shifted by -k"""

    def rot90(self, k: int = 1, axes: Any = (0, 1)) -> Tensor:
        """Turned by k right angles in the plane of two axes.  y = x turned,  ∂L/∂x = g turned back"""

    def round(self, decimals: int = 0) -> Tensor:
        """Rounded to so many decimals, halves to even.  y = ⌊x⌉,  ∂L/∂x = 0"""

    def sigmoid(self) -> Tensor:
        """Logistic function.  y = 1 / (1 + e⁻ˣ),  ∂L/∂x = g y (1 - y)"""

    def sign(self) -> Tensor:
        """Sign.  y = -1, 0 or 1,  ∂L/∂x = 0"""

    def sin(self) -> Tensor:
        """Sine.  y = sin x,  ∂L/∂x = g cos x"""

    def sinc(self) -> Tensor:
        """Normalised sine.  y = sin πx / πx,  1 at 0,  ∂L/∂x = g (cos πx - y) / x,  0 at 0"""

    def sinh(self) -> Tensor:
        """Hyperbolic sine.  y = sinh x,  ∂L/∂x = g cosh x"""

    def softmax(self, axis: int = -1) -> Tensor:
        """Softmax.  y = eˣ / Σ eˣ,  ∂L/∂x = y (g - Σ g y)"""

    def sqrt(self) -> Tensor:
        """Square root.  y = √x,  ∂L/∂x = g / 2y"""

    def square(self) -> Tensor:
        """Square.  y = x²,  ∂L/∂x = 2 g x"""

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

    def take(self, indices: Any, axis: int | None = None, mode: str = 'raise') -> Tensor:
        """The elements at given positions along an axis.  y = x[i],  ∂L/∂x[i] = Σ g over equal i"""

    def tan(self) -> Tensor:
        """Tangent.  y = tan x,  ∂L/∂x = g (1 + y²)"""

    def tanh(self) -> Tensor:
        """Hyperbolic tangent.  y = tanh x,  ∂L/∂x = g (1 - y²)"""

    def tile(self, reps: Any) -> Tensor:
        """Repeated as a whole, so many times along each axis."""

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
        """Sum along the diagonal."""

    def transpose(self, *axes: Any) -> Tensor:
        """The axes in another order, given as a tuple or piecewise; reversed if none is given."""

    def tril(self, k: int = 0) -> Tensor:
        """Lower triangle of matrices.  y = x on and below the k-th diagonal,  ∂L/∂x = g there"""

    def triu(self, k: int = 0) -> Tensor:
        """Upper triangle of matrices.  y = x on and above the k-th diagonal,  ∂L/∂x = g there"""

    def trunc(self) -> Tensor:
        """Rounded towards 0.  y = x without its fraction,  ∂L/∂x = 0"""

    def var(self, axis: Axis = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False) -> Tensor:
        """Variance.  y = Σ (xᵢ - x̄)² / (n - ddof),  ∂L/∂xᵢ = 2 g (xᵢ - x̄) / (n - ddof)"""

    def vdot(self, b: Any) -> Tensor:
        """Sum of the products of all elements, row by row."""

    def where(self, x: Operand, y: Operand) -> Tensor:
        """Choice.  z = x where the condition holds, else y;  ∂L/∂x = g there,  ∂L/∂y = g elsewhere"""
