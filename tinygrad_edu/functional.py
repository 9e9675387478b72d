"""Transforms of functions: gradients, Jacobians, Hessians and products with vectors.

`grad` differentiates Tensors that were already computed. The others take a function, as in JAX
and autograd, and return a function (`value_and_grad`, `jacobian`, `hessian`, `elementwise_grad`)
or differentiate at a point (`vjp`, `jvp`, `hvp`). Their conventions:

- Arguments are numbers, arrays or Tensors, or lists, tuples, dicts and dataclasses of them, nested
  at will; gradients come in the same structure. None stays None, integers count as float64.
- The function receives fresh Tensors instead of them, so no `.grad` is touched and no argument is
  changed. It is recorded even inside `no_grad`.
- Results are Tensors. They are connected to a graph only if the function's value depends on
  something else that requires a gradient: an argument or a variable of an outer derivative, or a
  parameter. So derivatives nest to any order, and what is not nested is freed.
- A value that does not depend on an argument has gradient 0 there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .differentiated_call import DifferentiatedCall
from .gradient import grad
from .pytree import flat, like, matching
from .tensor import Tensor

Function = Callable[..., Any]

__all__ = ["elementwise_grad", "grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]


# -------------------------------------------------------------------- of a function


def value_and_grad(
    f: Function, argnums: Any = None, argnames: Any = None, *, has_aux: bool = False
) -> Function:
    """A function that returns (f(...), ∂f/∂argument), for an f that returns one number.

    `argnums` chooses arguments by position and `argnames` by name, one or several; several give a
    tuple of gradients. The first argument is the default. With `has_aux`, f returns a pair
    (value, anything), and the new function ((value, anything), gradient). Raises RuntimeError if
    the value is not one number, TypeError if it is no Tensor.

    >>> def loss(p, x):
    ...     return ((x @ p["w"] + p["b"]) ** 2).sum()
    >>> p = {"w": np.array([3.0]), "b": 1.0}
    >>> value_and_grad(loss)(p, np.array([[2.0]]))
    (Tensor(49.), {'w': Tensor([28.]), 'b': Tensor(14.)})
    """

    def differentiated(*args: Any, **kwargs: Any) -> Any:
        call = DifferentiatedCall(f, args, kwargs, argnums, argnames, has_aux)
        if isinstance(call.output, Tensor) and call.output.size != 1:
            raise RuntimeError(
                f"value_and_grad() needs a function that returns one number, and "
                f"{call.name}() returned shape {call.output.shape}; reduce it, as in .sum() or "
                ".mean(), or use jacobian()"
            )
        gradients = like(call.given, call.pull(call.tensors(), [None]))
        return call.with_aux(call.value()), gradients

    return _named(differentiated, f)


def elementwise_grad(
    f: Function, argnums: Any = None, argnames: Any = None, *, has_aux: bool = False
) -> Function:
    """A function that returns dyᵢ/dxᵢ for every element, where yᵢ = f(x)ᵢ depends on xᵢ alone.

    It is Σⱼ ∂yⱼ/∂xᵢ, in the shape of x; arguments are chosen as in `value_and_grad`. Applied
    twice it gives second derivatives, and so on.

    >>> elementwise_grad(np.tanh)(np.array([0.0, 1.0]))
    Tensor([1.        , 0.41997434])
    >>> elementwise_grad(elementwise_grad(lambda x: x ** 3))(2.0)
    Tensor(12.)
    """

    def differentiated(*args: Any, **kwargs: Any) -> Any:
        call = DifferentiatedCall(f, args, kwargs, argnums, argnames, has_aux)
        outputs = call.tensors()
        ones = [np.ones(y.shape, y.dtype) for y in outputs]
        return call.with_aux(like(call.given, call.pull(outputs, ones)))

    return _named(differentiated, f)


def jacobian(
    f: Function, argnums: Any = None, argnames: Any = None, *, has_aux: bool = False
) -> Function:
    """A function that returns J = ∂f/∂argument, of shape f(...).shape + argument.shape.

    Jᵢⱼ = ∂yᵢ/∂xⱼ, one backward sweep for each element of y, or of x if these are few; arguments
    are chosen as in `value_and_grad`. Where f returns several Tensors or an argument holds several,
    J is in the structure of f's result, and each of its parts in the structure of the argument.

    >>> jacobian(lambda x: x ** 2)(np.array([1.0, 2.0, 3.0]))
    Tensor([[2., 0., 0.],
            [0., 4., 0.],
            [0., 0., 6.]])
    """

    def differentiated(*args: Any, **kwargs: Any) -> Any:
        call = DifferentiatedCall(f, args, kwargs, argnums, argnames, has_aux)
        outputs = call.tensors()
        inputs, results = (sum(t.size for t in ts) for ts in (call.variables, outputs))
        by_output = call.columns() if 2 * inputs < results else [call.rows(y) for y in outputs]
        parts = (like(call.given, iter(row)) for row in by_output)
        return call.with_aux(like(call.output, parts))

    return _named(differentiated, f)


def hessian(
    f: Function, argnums: Any = None, argnames: Any = None, *, has_aux: bool = False
) -> Function:
    """A function that returns H = ∂²f/∂x∂x, of shape x.shape + x.shape, for a scalar f.

    Hᵢⱼ = ∂²y/∂xᵢ∂xⱼ: the Jacobian of the gradient. Arguments are chosen as in `value_and_grad`;
    several, or an argument of several arrays, give the blocks: `hessian(f, (0, 1))(x, y)[0][1]` is
    ∂²f/∂x∂y, of shape x.shape + y.shape.

    >>> hessian(lambda x: (x[0] * x[1]) ** 2)(np.array([1.0, 3.0]))
    Tensor([[18., 12.],
            [12.,  2.]])
    """
    first = value_and_grad(f, argnums, argnames, has_aux=has_aux)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, gradients = first(*args, **kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return jacobian(_named(gradient, f), argnums, argnames, has_aux=has_aux)


# -------------------------------------------------------------------- at a point


def vjp(f: Function, *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """(f(*primals), pull): `pull(g)` is the vector-Jacobian product Jᵀg, a tuple as the primals.

    `g` has the shape, or the structure, of f's result; `pull` can be called repeatedly. With
    `has_aux`, f returns a pair (value, anything), and the anything is returned third.

    >>> y, pull = vjp(lambda x: x ** 2, np.array([1.0, 2.0]))
    >>> y, pull(np.array([1.0, 10.0]))
    (Tensor([1., 4.]), (Tensor([ 2., 40.]),))
    """
    call = DifferentiatedCall(f, primals, {}, range(len(primals)), None, has_aux)
    outputs = call.tensors()

    def pull(g: Any) -> Any:
        return like(call.given, call.pull(outputs, matching("g", g, call.output), retain=True))

    return (call.value(), pull, call.aux) if has_aux else (call.value(), pull)


def jvp(f: Function, primals: Any, tangents: Any, *, has_aux: bool = False) -> tuple[Any, ...]:
    """(f(*primals), J t): the value and its derivative in the direction of the tangents.

    Both are tuples of one item an argument, or the only argument and its direction by themselves.
    Jᵀw is linear in w, and its derivative by w in the direction t is J t: two backward sweeps.

    >>> jvp(lambda x: x ** 2, np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    (Tensor([1., 4.]), Tensor([ 2., 40.]))
    """
    args = primals if isinstance(primals, (tuple, list)) else (primals,)
    call = DifferentiatedCall(f, args, {}, range(len(args)), None, has_aux)
    ts = matching("the tangents", tangents, primals)
    pushed = like(call.output, call.push(ts))
    return (call.value(), pushed, call.aux) if has_aux else (call.value(), pushed)


def hvp(f: Function, primals: Any, tangents: Any) -> Any:
    """H t: the Hessian of a scalar f times a direction, without ever making the Hessian.

    `primals` and `tangents` are as in `jvp`, and the result is in the structure of the primals.
    It costs a few evaluations of f, whatever the size: ∂⟨∇f, t⟩/∂x.

    >>> hvp(lambda x: (x ** 3).sum(), np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    Tensor([  6., 120.])
    """
    args = primals if isinstance(primals, (tuple, list)) else (primals,)
    gradient = value_and_grad(f, range(len(args)))
    _, pull = vjp(lambda *xs: gradient(*xs)[1], *args)
    return like(primals, iter(flat(pull(like(args, iter(matching("t", tangents, primals)))))))


def _named(new: Function, f: Function) -> Function:
    return functools.wraps(f, updated=())(new)
