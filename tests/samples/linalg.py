"""Products of vectors and matrices, and norms."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import strategies as st

from .core import Call, axes, sampler, shapes, values


@sampler("matmul")
def product(draw: Any, op: Any) -> Call:
    shapes_ = draw(
        hnp.mutually_broadcastable_shapes(
            signature="(m?,n),(n,p?)->(m?,p?)", max_side=3, max_dims=2, min_side=0
        )
    )
    return Call(values(draw, op, *shapes_.input_shapes), {})


SPECS = [
    "ij,jk->ik", "ij,jk", "ji,jk->ki", "bij,bjk->bik", "ab,bc,cd->ad", "i,j,k->kij", "i,i,i",
    "ij->ji", "ba", "ij->", "ij->j", "ijk->ki", "i,i->i", "i , ij -> j", ",i->i", "ij,->",
    "ij,kl->", "ii", "ii->i", "iij->j", "iji->ij", "iii->i", "iij,j->i", "ii,jj->ij", "ij,ij->",
    "aab,bcc->ac",
    "...", "...->...", "...,...", "...i->...", "i...->...i", "...ij,...jk->...ik", "...ij,...jk",
    "...ii->...i", "i...,...i->...", "...i,j->j...i", "A...a,a->...", "ab,...b->a...",
]  # fmt: skip


@sampler("vecdot")
def vectors(draw: Any, op: Any) -> Call:
    drawn = draw(
        hnp.mutually_broadcastable_shapes(
            signature="(n),(n)->()", max_side=3, max_dims=2, min_side=0
        )
    )
    return Call(values(draw, op, *drawn.input_shapes), {})


@sampler("outer")
def any_two(draw: Any, op: Any) -> Call:
    return Call(values(draw, op, draw(shapes()), draw(shapes())), {})


@sampler("einsum")
def contracted(draw: Any, op: Any) -> Call:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    spec = str(rng.choice(SPECS))
    spec = spec.split("->")[0] if rng.random() < 0.4 else spec
    sizes = {label: int(rng.integers(1, 4)) for label in spec}
    common = tuple(rng.integers(1, 4, size=rng.integers(0, 3)))
    parts = []
    for each in spec.replace(" ", "").split("->")[0].split(","):
        before, dots, after = each.partition("...")
        hidden = common[rng.integers(0, len(common) + 1) :] if dots else ()
        named = [tuple(sizes[label] for label in side) for side in (before, after)]
        stretched = len(set(each) - {"."}) == len(each) - len(dots)  # no diagonal in it
        shape = (*named[0], *hidden, *named[1])
        parts.append(tuple(1 if stretched and rng.random() < 0.2 else int(n) for n in shape))
    optimize = draw(st.sampled_from([False, True, "greedy"]))
    return Call(values(draw, op, *parts), {"subscripts": spec, "optimize": optimize})


@sampler("vector_norm")
def length(draw: Any, op: Any) -> Call:
    shape = draw(shapes())
    (x,) = values(draw, op, shape)
    x *= np.random.default_rng(0).choice([-1, 1], shape)
    order = draw(st.sampled_from([2, 1, 3, 2.5, 4, 0.5, 0, -1, -2, np.inf, -np.inf]))
    statics = {"ord": order, "axis": axes(draw, len(shape)), "keepdims": draw(st.booleans())}
    return Call([x], statics)


@sampler("convolve")
def sequences(draw: Any, op: Any) -> Call:
    shape = st.integers(1, 5).map(lambda n: (n,)) | st.just(())
    mode = draw(st.sampled_from(["full", "same", "valid"]))
    return Call(values(draw, op, draw(shape), draw(shape)), {"mode": mode})
