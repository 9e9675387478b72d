"""The methods of Tensor, generated from the ops by `make stubs`."""

from typing import Any, Generic, TypeVar

import numpy as np

Result = TypeVar("Result")
Operand = Methods[Any] | np.ndarray[Any, np.dtype[Any]] | float
Axis = int | tuple[int, ...] | None

class Methods(Generic[Result]):
    def __add__(self, other: Operand) -> Result:
        """Sum.
        z = x + y,  ∂L/∂x = g,  ∂L/∂y = g

        Declared in ops/elementwise.py.
        """

    def __radd__(self, other: Operand) -> Result:
        """Sum.
        z = x + y,  ∂L/∂x = g,  ∂L/∂y = g

        Declared in ops/elementwise.py.
        """

    def __sub__(self, other: Operand) -> Result:
        """Difference.
        z = x - y,  ∂L/∂x = g,  ∂L/∂y = -g

        Declared in ops/elementwise.py.
        """

    def __rsub__(self, other: Operand) -> Result:
        """Difference.
        z = x - y,  ∂L/∂x = g,  ∂L/∂y = -g

        Declared in ops/elementwise.py.
        """

    def __mul__(self, other: Operand) -> Result:
        """Product.
        z = x y,  ∂L/∂x = g y,  ∂L/∂y = g x

        Declared in ops/elementwise.py.
        """

    def __rmul__(self, other: Operand) -> Result:
        """Product.
        z = x y,  ∂L/∂x = g y,  ∂L/∂y = g x

        Declared in ops/elementwise.py.
        """

    def __truediv__(self, other: Operand) -> Result:
        """Quotient.
        z = x / y,  ∂L/∂x = g / y,  ∂L/∂y = -g z / y

        Declared in ops/elementwise.py.
        """

    def __rtruediv__(self, other: Operand) -> Result:
        """Quotient.
        z = x / y,  ∂L/∂x = g / y,  ∂L/∂y = -g z / y

        Declared in ops/elementwise.py.
        """

    def __floordiv__(self, other: Operand) -> Result:
        """Quotient rounded down.
        z = ⌊x / y⌋,  ∂L/∂x = ∂L/∂y = 0

        Declared in ops/elementwise.py.
        """

    def __rfloordiv__(self, other: Operand) -> Result:
        """Quotient rounded down.
        z = ⌊x / y⌋,  ∂L/∂x = ∂L/∂y = 0

        Declared in ops/elementwise.py.
        """

    def __mod__(self, other: Operand) -> Result:
        """Remainder of that quotient.
        z = x - y ⌊x / y⌋,  ∂L/∂x = g,  ∂L/∂y = -g ⌊x / y⌋

        Declared in ops/elementwise.py.
        """

    def __rmod__(self, other: Operand) -> Result:
        """Remainder of that quotient.
        z = x - y ⌊x / y⌋,  ∂L/∂x = g,  ∂L/∂y = -g ⌊x / y⌋

        Declared in ops/elementwise.py.
        """

    def __pow__(self, other: Operand) -> Result:
        """Power.
        z = xʸ,  ∂L/∂x = g y xʸ⁻¹,  ∂L/∂y = g z ln x,  0 for x⁰ and 0ʸ with y ≥ 0

        Declared in ops/elementwise.py.
        """

    def __rpow__(self, other: Operand) -> Result:
        """Power.
        z = xʸ,  ∂L/∂x = g y xʸ⁻¹,  ∂L/∂y = g z ln x,  0 for x⁰ and 0ʸ with y ≥ 0

        Declared in ops/elementwise.py.
        """

    def __matmul__(self, other: Operand) -> Result:
        """Matrix product over the last two axes.
        z = x y,  ∂L/∂x = g yᵀ,  ∂L/∂y = xᵀ g

        Declared in ops/products.py.
        """

    def __rmatmul__(self, other: Operand) -> Result:
        """Matrix product over the last two axes.
        z = x y,  ∂L/∂x = g yᵀ,  ∂L/∂y = xᵀ g

        Declared in ops/products.py.
        """

    def __neg__(self) -> Result:
        """Negation.
        y = -x,  ∂L/∂x = -g

        Declared in ops/elementwise.py.
        """

    def __pos__(self) -> Result:
        """The same value.
        y = x,  ∂L/∂x = g

        Declared in ops/elementwise.py.
        """

    def __abs__(self) -> Result:
        """Absolute value.
        y = |x|,  ∂L/∂x = g sign x,  0 at 0

        Declared in ops/elementwise.py.
        """

    def __eq__(self, other: object) -> Any: ...

    def __ne__(self, other: object) -> Any: ...

    def __lt__(self, other: Any) -> Any: ...

    def __le__(self, other: Any) -> Any: ...

    def __gt__(self, other: Any) -> Any: ...

    def __ge__(self, other: Any) -> Any: ...

    def __getitem__(self, index: Any) -> Result:
        """Indexing of every NumPy kind.
        y = x[i],  ∂L/∂x[i] = Σ g over equal i,  0 elsewhere

        Declared in ops/index.py.
        """

    @property
    def real(self) -> Result:
        """The real part, which is all."""

    @property
    def imag(self) -> Result:
        """The imaginary part, zeros."""

    @property
    def T(self) -> Result:
        """The axes in reverse order."""

    @property
    def mT(self) -> Result:
        """The last two axes exchanged."""

    def abs(self) -> Result:
        """Absolute value.
        y = |x|,  ∂L/∂x = g sign x,  0 at 0

        Declared in ops/elementwise.py.
        """

    def absolute(self) -> Result:
        """Absolute value.
        y = |x|,  ∂L/∂x = g sign x,  0 at 0

        Declared in ops/elementwise.py.
        """

    def add(self, y: Operand) -> Result:
        """Sum.
        z = x + y,  ∂L/∂x = g,  ∂L/∂y = g

        Declared in ops/elementwise.py.
        """

    def all(self, axis: Any = None, *, keepdims: bool = False, where: Any = True) -> Any:
        """Whether all elements are nonzero, as a plain array.

        Declared in ops/nondifferentiable.py.
        """

    def any(self, axis: Any = None, *, keepdims: bool = False, where: Any = True) -> Any:
        """Whether any element is nonzero, as a plain array.

        Declared in ops/nondifferentiable.py.
        """

    def arccos(self) -> Result:
        """Inverse cosine.
        y = arccos x,  ∂L/∂x = -g / √(1 - x²)

        Declared in ops/trigonometric.py.
        """

    def arccosh(self) -> Result:
        """Inverse hyperbolic cosine.
        y = arcosh x,  ∂L/∂x = g / √(x² - 1)

        Declared in ops/trigonometric.py.
        """

    def arcsin(self) -> Result:
        """Inverse sine.
        y = arcsin x,  ∂L/∂x = g / √(1 - x²)

        Declared in ops/trigonometric.py.
        """

    def arcsinh(self) -> Result:
        """Inverse hyperbolic sine.
        y = arsinh x,  ∂L/∂x = g / √(1 + x²)

        Declared in ops/trigonometric.py.
        """

    def arctan(self) -> Result:
        """Inverse tangent.
        y = arctan x,  ∂L/∂x = g / (1 + x²)

        Declared in ops/trigonometric.py.
        """

    def arctan2(self, x: Operand) -> Result:
        """Angle of the point (x, y).
        z = arctan(y / x),  ∂L/∂y = g x / r²,  ∂L/∂x = -g y / r²,  0 at (0, 0)

        Declared in ops/trigonometric.py.
        """

    def arctanh(self) -> Result:
        """Inverse hyperbolic tangent.
        y = artanh x,  ∂L/∂x = g / (1 - x²)

        Declared in ops/trigonometric.py.
        """

    def argmax(self, axis: int | None = None, *, keepdims: bool = False) -> np.ndarray:
        """Where the largest element is, as a plain array of indices.

        Declared in ops/nondifferentiable.py.
        """

    def argmin(self, axis: int | None = None, *, keepdims: bool = False) -> np.ndarray:
        """Where the smallest element is, as a plain array of indices.

        Declared in ops/nondifferentiable.py.
        """

    def argpartition(self, kth: Any, axis: int | None = -1) -> np.ndarray:
        """The indices that would put the k-th smallest at its position, as a plain array.

        Declared in ops/nondifferentiable.py.
        """

    def argsort(self, axis: int | None = -1, kind: Any = None, *, stable: bool | None = None) -> np.ndarray:
        """The indices that would sort, as a plain array.

        Declared in ops/nondifferentiable.py.
        """

    def astype(self, dtype: Any, *, copy: bool = True) -> Result | np.ndarray:
        """As another type: a plain array if that is not floating, since then it has no gradient.

        Declared in ops/shape.py.
        """

    def binary_cross_entropy_with_logits(self, targets: Operand, reduction: str = 'none') -> Result:
        """Cross-entropy of a logit and a probability t, of each pair unless reduced.
        y = ln(1 + eˣ) - t x,  ∂L/∂x = g (σ(x) - t),  ∂L/∂t = -g x

        Declared in ops/losses.py.
        """

    def broadcast_to(self, shape: Any) -> Result:
        """Repeated along new or stretched axes.
        y = x,  ∂L/∂x = Σ g over them

        Declared in ops/shape.py.
        """

    def ceil(self) -> Result:
        """Rounded up.
        y = ⌈x⌉,  ∂L/∂x = 0

        Declared in ops/elementwise.py.
        """

    def clamp(self, min: Operand | None = None, max: Operand | None = None) -> Result:
        """x between two bounds.
        y = min(max(x, a), b),  ∂L/∂x = g [a ≤ x ≤ b],  1 at the bounds

        Declared in ops/selections.py.
        """

    def clip(self, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Result:
        """Between two bounds, None for no bound: `clamp` with NumPy's two spellings.

        Declared in ops/selections.py.
        """

    def compress(self, condition: Any, axis: int | None = None) -> Result:
        """The slices along an axis, or the elements, where the condition holds.

        Declared in ops/index.py.
        """

    def conj(self) -> Any:
        """The complex conjugate of real numbers, which is the same.

        Declared in ops/extended/elementwise.py.
        """

    def conjugate(self) -> Any:
        """The complex conjugate of real numbers, which is the same.

        Declared in ops/extended/elementwise.py.
        """

    def copy(self) -> Result:
        """A copy.
        y = x,  ∂L/∂x = g

        Declared in ops/shape.py.
        """

    def cos(self) -> Result:
        """Cosine.
        y = cos x,  ∂L/∂x = -g sin x

        Declared in ops/trigonometric.py.
        """

    def cosh(self) -> Result:
        """Hyperbolic cosine.
        y = cosh x,  ∂L/∂x = g sinh x

        Declared in ops/trigonometric.py.
        """

    def cross(self, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Result:
        """Vector product of vectors in three dimensions.

        Declared in ops/extended/products.py.
        """

    def cross_entropy(self, targets: Operand, reduction: str = 'mean') -> Result:
        """Cross-entropy of logits and a class t.
        y = ln Σ eˣ - xₜ,  ∂L/∂x = g (softmax x - [t])

        Declared in ops/losses.py.
        """

    def cumprod(self, axis: int | None = None, dtype: Any = None) -> Result:
        """Running product.
        yₖ = Π xᵢ over i ≤ k,  ∂L/∂xᵢ = Σ gₖ Π of the others, over k ≥ i

        Declared in ops/reduce.py.
        """

    def cumsum(self, axis: int | None = None, dtype: Any = None) -> Result:
        """Running sum.
        yₖ = Σ xᵢ over i ≤ k,  ∂L/∂xᵢ = Σ gₖ over k ≥ i

        Declared in ops/reduce.py.
        """

    def det(self) -> Result:
        """Determinant.
        y = det A,  ∂L/∂A = g cof A,  for singular matrices too

        The second derivative divides by y, so it needs invertible ones.

        Declared in ops/extended/decompositions.py.
        """

    def diag(self, k: int = 0) -> Result:
        """A matrix's diagonal, or the matrix that a vector is the diagonal of.

        Declared in ops/extended/diagonals.py.
        """

    def diagflat(self, k: int = 0) -> Result:
        """The matrix that all elements, row by row, are the diagonal of.

        Declared in ops/extended/diagonals.py.
        """

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Result:
        """The diagonals of the matrices along two axes.

        Declared in ops/extended/diagonals.py.
        """

    def divide(self, y: Operand) -> Result:
        """Quotient.
        z = x / y,  ∂L/∂x = g / y,  ∂L/∂y = -g z / y

        Declared in ops/elementwise.py.
        """

    def dot(self, b: Any) -> Result:
        """Sum of products over the last axis of a and the last but one of b, which may be a vector.

        Declared in ops/products.py.
        """

    def erf(self) -> Result:
        """Error function.
        y = 2/√π ∫₀ˣ exp(-t²) dt,  ∂L/∂x = 2/√π g exp(-x²)

        Declared in ops/activations.py.
        """

    def exp(self) -> Result:
        """Exponential.
        y = eˣ,  ∂L/∂x = g y

        Declared in ops/elementwise.py.
        """

    def exp2(self) -> Result:
        """Power of 2.
        y = 2ˣ,  ∂L/∂x = g y ln 2

        Declared in ops/elementwise.py.
        """

    def expand_dims(self, axis: Any) -> Result:
        """An axis of size 1 inserted.
        y = x,  ∂L/∂x = g in the shape of x

        Declared in ops/shape.py.
        """

    def expm1(self) -> Result:
        """Exponential less 1, precise near 0.
        y = eˣ - 1,  ∂L/∂x = g eˣ

        Declared in ops/elementwise.py.
        """

    def flatten(self, order: str = 'C') -> Result:
        """All elements along one axis, row by row, or with order="F" column by column.

        Declared in ops/shape.py.
        """

    def flip(self, axis: Any = None) -> Result:
        """Reversed along the axes.
        y[i] = x[n - 1 - i],  ∂L/∂x = g reversed

        Declared in ops/shape.py.
        """

    def fliplr(self) -> Result:
        """Reversed along the second axis.

        Declared in ops/shape.py.
        """

    def flipud(self) -> Result:
        """Reversed along the first axis.

        Declared in ops/shape.py.
        """

    def float_power(self, y: Any) -> Any:
        """Power, in float64 at least.
        z = xʸ

        Declared in ops/elementwise.py.
        """

    def floor(self) -> Result:
        """Rounded down.
        y = ⌊x⌋,  ∂L/∂x = 0

        Declared in ops/elementwise.py.
        """

    def fmax(self, y: Operand) -> Result:
        """The larger, or the one that is not NaN.
        z = max(x, y),  ∂L/∂x = g [x > y],  as maximum

        Declared in ops/selections.py.
        """

    def fmin(self, y: Operand) -> Result:
        """The smaller, or the one that is not NaN.
        z = min(x, y),  ∂L/∂x = g [x < y],  as minimum

        Declared in ops/selections.py.
        """

    def fmod(self, y: Operand) -> Result:
        """Remainder with the sign of x.
        z = x - y k,  k = trunc(x/y),  ∂L/∂x = g,  ∂L/∂y = -g k

        Declared in ops/elementwise.py.
        """

    def gather(self, axis: int, index: Any) -> Result:
        """y[i, j] = x[index[i, j], j] along the first axis and so on: PyTorch's, of the index's shape.

        On the other axes the index may be shorter than x.

        Declared in ops/index.py.
        """

    def hypot(self, y: Operand) -> Result:
        """Length of (x, y).
        z = √(x² + y²),  ∂L/∂x = g x / z,  ∂L/∂y = g y / z,  0 at (0, 0)

        Declared in ops/trigonometric.py.
        """

    def index_add(self, index: Any, values: Any) -> Result:
        """A new array, what `a[index] += values` makes of a copy; equal indices add, every one.

        >>> index_add(Tensor([1.0, 2.0]), [0, 0, 1], [10.0, 20.0, 30.0])
        Tensor([31., 32.])

        Declared in ops/index.py.
        """

    def index_put(self, index: Any, values: Any) -> Result:
        """A new array, what `a[index] = values` makes of a copy; of equal indices the last one counts.

        >>> index_put(Tensor([1.0, 2.0, 3.0]), slice(1, None), 0)
        Tensor([1., 0., 0.])

        Declared in ops/index.py.
        """

    def inner(self, b: Any) -> Result:
        """Sum of products over the last axes.

        Declared in ops/products.py.
        """

    def kron(self, b: Any) -> Result:
        """Kronecker product: b in the place of each element of a, times that element.

        Declared in ops/extended/products.py.
        """

    def log(self) -> Result:
        """Natural logarithm.
        y = ln x,  ∂L/∂x = g / x

        Declared in ops/elementwise.py.
        """

    def log10(self) -> Result:
        """Logarithm to base 10.
        y = log₁₀ x,  ∂L/∂x = g / (x ln 10)

        Declared in ops/elementwise.py.
        """

    def log1p(self) -> Result:
        """Logarithm of 1 + x, precise near 0.
        y = ln(1 + x),  ∂L/∂x = g / (1 + x)

        Declared in ops/elementwise.py.
        """

    def log2(self) -> Result:
        """Logarithm to base 2.
        y = log₂ x,  ∂L/∂x = g / (x ln 2)

        Declared in ops/elementwise.py.
        """

    def log_softmax(self, axis: int = -1) -> Result:
        """Logarithm of the softmax.
        y = x - ln Σ eˣ,  ∂L/∂x = g - eʸ Σ g

        Declared in ops/activations.py.
        """

    def logaddexp(self, y: Operand) -> Result:
        """Logarithm of a sum of exponentials.
        z = ln(eˣ + eʸ),  ∂L/∂x = g eˣ⁻ᶻ,  ∂L/∂y = g eʸ⁻ᶻ

        Declared in ops/elementwise.py.
        """

    def logaddexp2(self, y: Operand) -> Result:
        """The same to base 2.
        z = log₂(2ˣ + 2ʸ),  ∂L/∂x = g 2ˣ⁻ᶻ,  ∂L/∂y = g 2ʸ⁻ᶻ

        Declared in ops/elementwise.py.
        """

    def logsumexp(self, axis: Any = None, keepdims: bool = False) -> Result:
        """Logarithm of a sum of exponentials.
        y = ln Σ eˣ,  ∂L/∂x = g softmax x

        Declared in ops/activations.py.
        """

    def matmul(self, y: Operand) -> Result:
        """Matrix product over the last two axes.
        z = x y,  ∂L/∂x = g yᵀ,  ∂L/∂y = xᵀ g

        Declared in ops/products.py.
        """

    def matrix_power(self, n: int) -> Result:
        """The product of n equal square matrices, or of -n inverses; of none, the identity.

        Declared in ops/extended/products.py.
        """

    def max(self, axis: Axis = None, keepdims: bool = False, *, where: Any = True, initial: Any = None) -> Result:
        """Largest element.
        y = max xᵢ,  ∂L/∂xᵢ = g / m for the m largest,  0 for the others

        Declared in ops/reduce.py.
        """

    def maximum(self, y: Operand) -> Result:
        """The larger.
        z = max(x, y),  ∂L/∂x = g [x > y],  ∂L/∂y = g [y > x],  ties share equally

        Declared in ops/selections.py.
        """

    def mean(self, axis: Axis = None, dtype: Any = None, keepdims: bool = False, *, where: Any = True) -> Result:
        """Mean.
        y = Σ xᵢ / n,  ∂L/∂xᵢ = g / n

        Declared in ops/reduce.py.
        """

    def median(self, axis: Axis = None, *, overwrite_input: bool = False, keepdims: bool = False) -> Any:
        """The middle element, or the mean of the two; of equal elements, one has the derivative.

        Declared in ops/statistics.py.
        """

    def min(self, axis: Axis = None, keepdims: bool = False, *, where: Any = True, initial: Any = None) -> Result:
        """Smallest element.
        y = min xᵢ,  ∂L/∂xᵢ = g / m for the m smallest,  0 for the others

        Declared in ops/reduce.py.
        """

    def minimum(self, y: Operand) -> Result:
        """The smaller.
        z = min(x, y),  ∂L/∂x = g [x < y],  ∂L/∂y = g [y < x],  ties share equally

        Declared in ops/selections.py.
        """

    def moveaxis(self, source: Any, destination: Any) -> Result:
        """Axes at other positions.
        y = x with i → j,  ∂L/∂x = g with j → i

        Declared in ops/shape.py.
        """

    def multiply(self, y: Operand) -> Result:
        """Product.
        z = x y,  ∂L/∂x = g y,  ∂L/∂y = g x

        Declared in ops/elementwise.py.
        """

    def nan_to_num(self, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Result:
        """Numbers in place of NaN and infinities.
        y = x if finite,  ∂L/∂x = g there,  else 0

        Declared in ops/selections.py.
        """

    def nanmean(self, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, where: Any = True) -> Any:
        """Mean of what is not NaN.

        Declared in ops/extended/nan.py.
        """

    def nansum(self, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = True) -> Any:
        """Sum of what is not NaN.

        Declared in ops/extended/nan.py.
        """

    def negative(self) -> Result:
        """Negation.
        y = -x,  ∂L/∂x = -g

        Declared in ops/elementwise.py.
        """

    def norm(self, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Result:
        """Norm of vectors or matrices, of every order that NumPy has; of all elements if none is given.

        At a matrix norm of order 2, -2 or "nuc" equal singular values are no obstacle in the first
        derivative, and are in the second (see `svd`); those that are 0, but for rounding, have
        derivative 0.

        Declared in ops/extended/norms.py.
        """

    def outer(self, b: Operand) -> Result:
        """The products of all elements of a with all of b.
        Z = a bᵀ,  ∂L/∂a = g b,  ∂L/∂b = gᵀ a

        Declared in ops/products.py.
        """

    def positive(self) -> Result:
        """The same value.
        y = x,  ∂L/∂x = g

        Declared in ops/elementwise.py.
        """

    def power(self, y: Operand) -> Result:
        """Power.
        z = xʸ,  ∂L/∂x = g y xʸ⁻¹,  ∂L/∂y = g z ln x,  0 for x⁰ and 0ʸ with y ≥ 0

        Declared in ops/elementwise.py.
        """

    def prod(self, axis: Axis = None, dtype: Any = None, keepdims: bool = False, *, where: Any = True, initial: Any = None) -> Result:
        """Product.
        y = Π xᵢ,  ∂L/∂xᵢ = g times the product of the others

        Declared in ops/reduce.py.
        """

    def quantile(self, q: Any, axis: Axis = None, *, overwrite_input: bool = False, method: str = 'linear', keepdims: bool = False, weights: Any = None) -> Any:
        """What a share q of the elements lies below, by each of NumPy's methods.

        q, a constant, may be an array: its axes come first. Of equal elements, one has the derivative.

        Declared in ops/statistics.py.
        """

    def ravel(self, order: str = 'C') -> Result:
        """All elements along one axis, row by row, or with order="F" column by column.

        Declared in ops/shape.py.
        """

    def reciprocal(self) -> Result:
        """Reciprocal.
        y = 1 / x,  ∂L/∂x = -g y²

        Declared in ops/elementwise.py.
        """

    def relu(self) -> Result:
        """Rectifier.
        y = max(x, 0),  ∂L/∂x = g [x > 0],  0 at 0

        Declared in ops/activations.py.
        """

    def remainder(self, y: Operand) -> Result:
        """Remainder of that quotient.
        z = x - y ⌊x / y⌋,  ∂L/∂x = g,  ∂L/∂y = -g ⌊x / y⌋

        Declared in ops/elementwise.py.
        """

    def repeat(self, repeats: Any, axis: int | None = None) -> Result:
        """Each element several times in a row.
        y = x₁ x₁ x₂ x₂ ...,  ∂L/∂xᵢ = Σ g over its copies

        Declared in ops/shape.py.
        """

    def reshape(self, *shape: Any, order: str = 'C') -> Result:
        """In another shape, given as a tuple or piecewise; one size may be -1.

        Declared in ops/shape.py.
        """

    def roll(self, shift: Any, axis: Any = None) -> Result:
        """Shifted along the axes, in a circle.
        y[i + k] = x[i],  ∂L/∂x = g shifted by -k

        Declared in ops/shape.py.
        """

    def rot90(self, k: int = 1, axes: Any = (0, 1)) -> Result:
        """Turned by k right angles in the plane of two axes.
        y = x turned,  ∂L/∂x = g turned back

        Declared in ops/shape.py.
        """

    def round(self, decimals: int = 0) -> Result:
        """Rounded to so many decimals, halves to even.
        y = ⌊x⌉,  ∂L/∂x = 0

        Declared in ops/elementwise.py.
        """

    def sigmoid(self) -> Result:
        """Logistic function.
        y = 1 / (1 + e⁻ˣ),  ∂L/∂x = g y (1 - y)

        Declared in ops/elementwise.py.
        """

    def sign(self) -> Result:
        """Sign.
        y = -1, 0 or 1,  ∂L/∂x = 0

        Declared in ops/elementwise.py.
        """

    def sin(self) -> Result:
        """Sine.
        y = sin x,  ∂L/∂x = g cos x

        Declared in ops/trigonometric.py.
        """

    def sinc(self) -> Result:
        """Normalized sine.
        y = sin πx / πx,  1 at 0,  ∂L/∂x = g (cos πx - y) / x,  0 at 0

        Declared in ops/extended/special.py.
        """

    def sinh(self) -> Result:
        """Hyperbolic sine.
        y = sinh x,  ∂L/∂x = g cosh x

        Declared in ops/trigonometric.py.
        """

    def softmax(self, axis: int = -1) -> Result:
        """Softmax.
        y = eˣ / Σ eˣ,  ∂L/∂x = y (g - Σ g y)

        Declared in ops/activations.py.
        """

    def sqrt(self) -> Result:
        """Square root.
        y = √x,  ∂L/∂x = g / 2y

        Declared in ops/elementwise.py.
        """

    def square(self) -> Result:
        """Square.
        y = x²,  ∂L/∂x = 2 g x

        Declared in ops/elementwise.py.
        """

    def squeeze(self, axis: Any = None) -> Result:
        """Axes of size 1 removed.
        y = x,  ∂L/∂x = g in the shape of x

        Declared in ops/shape.py.
        """

    def std(self, axis: Axis = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False, *, where: Any = True, mean: Any = None, correction: Any = None) -> Result:
        """Standard deviation.
        y = √(Σ (xᵢ - x̄)² / m),  m = n - ddof,
        ∂L/∂xᵢ = g (xᵢ - x̄) / (m y),  0 where all are equal

        Declared in ops/statistics.py.
        """

    def subtract(self, y: Operand) -> Result:
        """Difference.
        z = x - y,  ∂L/∂x = g,  ∂L/∂y = -g

        Declared in ops/elementwise.py.
        """

    def sum(self, axis: Axis = None, dtype: Any = None, keepdims: bool = False, *, where: Any = True, initial: Any = None) -> Result:
        """Sum.
        y = Σ xᵢ,  ∂L/∂xᵢ = g

        Declared in ops/reduce.py.
        """

    def swapaxes(self, axis1: int, axis2: int) -> Result:
        """Two axes exchanged.
        y = x with i ↔ j,  ∂L/∂x = g with i ↔ j

        Declared in ops/shape.py.
        """

    def take(self, indices: Any, axis: int | None = None, mode: str = 'raise') -> Result:
        """The elements at given positions along an axis.
        y = x[i],  ∂L/∂x[i] = Σ g over equal i

        Declared in ops/index.py.
        """

    def tan(self) -> Result:
        """Tangent.
        y = tan x,  ∂L/∂x = g (1 + y²)

        Declared in ops/trigonometric.py.
        """

    def tanh(self) -> Result:
        """Hyperbolic tangent.
        y = tanh x,  ∂L/∂x = g (1 - y²)

        Declared in ops/trigonometric.py.
        """

    def tile(self, reps: Any) -> Result:
        """Repeated as a whole, so many times along each axis.

        Declared in ops/shape.py.
        """

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
        """Sum along the diagonal.

        Declared in ops/extended/diagonals.py.
        """

    def transpose(self, *axes: Any) -> Result:
        """The axes in another order, given as a tuple or piecewise; reversed if none is given.

        Declared in ops/shape.py.
        """

    def tril(self, k: int = 0) -> Result:
        """Lower triangle of matrices.
        y = x on and below the k-th diagonal,  ∂L/∂x = g there

        Declared in ops/shape.py.
        """

    def triu(self, k: int = 0) -> Result:
        """Upper triangle of matrices.
        y = x on and above the k-th diagonal,  ∂L/∂x = g there

        Declared in ops/shape.py.
        """

    def trunc(self) -> Result:
        """Rounded towards 0.
        y = x without its fraction,  ∂L/∂x = 0

        Declared in ops/elementwise.py.
        """

    def var(self, axis: Axis = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False, *, where: Any = True, mean: Any = None, correction: Any = None) -> Result:
        """Variance.
        y = Σ (xᵢ - x̄)² / (n - ddof),  ∂L/∂xᵢ = 2 g (xᵢ - x̄) / (n - ddof)

        Declared in ops/statistics.py.
        """

    def vdot(self, b: Any) -> Result:
        """Sum of the products of all elements, row by row.

        Declared in ops/products.py.
        """

    def where(self, x: Operand, y: Operand) -> Result:
        """Choice.
        z = x where the condition holds, else y;  ∂L/∂x = g there,  ∂L/∂y = g elsewhere

        Declared in ops/selections.py.
        """
