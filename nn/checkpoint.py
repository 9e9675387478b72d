"""Checkpoints in the safetensors format, and the exchange of weights with PyTorch.

The model's arrays stand in the file under their `state_dict` names, so that other tools read them.
Those of the optimizer, the scheduler and what else is saved have names that no parameter can have,
such as "optimizer/state/0/m"; what is no array stands as JSON in the file's metadata.  Nothing is
ever unpickled.  (The format: https://huggingface.co/docs/safetensors.)
"""

from __future__ import annotations

import json
import os
import warnings
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu import Tensor
from tinygrad_edu.atomic_write import written_whole
from tinygrad_edu.errors import printable

from .display import as_html, as_text
from .module import Module
from .optim import Optimizer
from .schedulers import Scheduler
from .state_dict import KeyDifference, all_or_nothing, key_difference
from .validation import choice, required

__all__ = ["Checkpoint", "from_torch_state_dict", "load", "save", "to_torch_state_dict"]

_KEY, _RESERVED = "tinygrad_edu", "__metadata__"  # of the metadata; the metadata themselves
_MOST_TEXT = 50_000_000  # the format's header, in which the text is quoted, has at most 100 MB
_DTYPES = {  # the format's names and NumPy's
    "BOOL": "bool",
    **{f"I{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"U{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
    **{f"F{bits}": f"float{bits}" for bits in (16, 32, 64)},
}
_NAMES = set(_DTYPES.values())


class Checkpoint(NamedTuple):
    """What a checkpoint holds, and how the model it was loaded into differs from it.

    `state` holds the model's arrays by name, `more` what was saved beside by name; `optimizer` and
    `scheduler` are their `state_dict`s, or None.
    """

    state: dict[str, np.ndarray]
    more: dict[str, Any]
    optimizer: dict[str, Any] | None
    scheduler: dict[str, Any] | None
    difference: KeyDifference

    def _shown(self) -> dict[str, Any]:
        size = sum(array.size for array in self.state.values())
        beside = [name for name in ("optimizer", "scheduler") if getattr(self, name) is not None]
        return {
            "state": f"{len(self.state)} arrays of {size:,} values",
            "beside": ", ".join([*beside, *map(str, self.more)]) or "nothing",
        }

    def __repr__(self) -> str:
        return as_text(self, self._shown())

    def _repr_html_(self) -> str:
        return as_html(self, self._shown())


def save(
    path: str | os.PathLike[str],
    model: Module[Any],
    optimizer: Optimizer | None = None,
    scheduler: Scheduler | None = None,
    *,
    layout: str = "nn",
    **more: Any,
) -> None:
    """Write a checkpoint: all that training needs to go on to the same values, bit for bit.

    With `layout="torch"` the model's arrays are laid out as PyTorch's `load_state_dict` takes them.

    The file is written whole or not at all, whatever stops the process.  `more` can be numbers,
    strings, None and arrays, also in lists, tuples and dicts, such as the state of a random
    generator.  Raises TypeError for anything else, ValueError for what could not be read again,
    ModuleNotFoundError without safetensors.

    >>> import nn, tempfile
    >>> model = nn.Sequential(nn.Dense(4, 8), nn.ReLU(), nn.Dense(8, 3))
    >>> optimizer = nn.Adam(model.parameters())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     nn.save(folder + "/run.safetensors", model, optimizer, epoch=7)
    ...     nn.load(folder + "/run.safetensors", model, optimizer).more
    {'epoch': 7}
    """
    if not isinstance(model, Module):
        raise TypeError(f"write nn.save(path, model); the model given is a {type(model).__name__}")
    library = required("safetensors.numpy", "Checkpoints need", "safetensors")
    arrays = _laid_out(model, _uniquely_named(model), layout)
    rest: dict[str, Any] = {"layout": layout}
    for name, part in (("optimizer", optimizer), ("scheduler", scheduler)):
        if part is not None and not hasattr(part, "state_dict"):
            raise TypeError(
                f"{name} has no state_dict(), being a {type(part).__name__}; give what is to be "
                "saved beside by name, as in nn.save(path, model, history=values)"
            )
        rest[name] = None if part is None else _pack(part.state_dict(), name, arrays)
    try:
        rest["more"] = _pack(more, "more", arrays)
        text = json.dumps(rest)
    except RecursionError:
        raise ValueError("a checkpoint cannot hold lists nested as deeply as these") from None
    for name, array in arrays.items():
        if array.dtype.name not in _NAMES:
            raise TypeError(f"a checkpoint cannot hold {name}, an array of dtype {array.dtype}")
        arrays[name] = np.asarray(array, order="C")  # safetensors writes any other order wrong
    if len(text) > _MOST_TEXT:
        raise ValueError(
            f"what is saved beside the model has {len(text) / 1e6:.0f} MB as text, and a "
            f"checkpoint holds {_MOST_TEXT / 1e6:.0f}; save long lists as arrays"
        )
    content = library.save(arrays, {_KEY: text})
    with written_whole(path) as file:
        file.write(content)
        file.flush()
        _check_readable(file.name, text, arrays, path)


def load(
    path: str | os.PathLike[str],
    model: Module[Any] | None = None,
    optimizer: Optimizer | None = None,
    scheduler: Scheduler | None = None,
    *,
    strict: bool = True,
    layout: str | None = None,
) -> Checkpoint:
    """Read a checkpoint, and set what is given to the state it holds.

    The model's names and shapes must be those of the file; with `strict=False` either may have
    names that the other lacks, which the result's `difference` lists.  A safetensors file by
    another tool will do for a model, one by PyTorch with `layout="torch"`; a file by `save` says
    its layout itself.

    Raises ValueError for a damaged file and for one that does not fit, and has then changed
    nothing; ModuleNotFoundError without safetensors.
    """
    found, written = read(path)
    known = layout is not None or written is not None
    layout = layout or written or "nn"
    difference = restore(
        path, found, model, optimizer, scheduler, strict=strict, known=known, layout=layout
    )
    return found._replace(difference=difference)


def restore(
    path: Any,
    found: Checkpoint,
    model: Module[Any] | None,
    optimizer: Optimizer | None,
    scheduler: Scheduler | None,
    *,
    strict: bool = True,
    known: bool = True,
    layout: str = "nn",
) -> KeyDifference:
    """Set all that is given to what `read` found in a file, or leave it all as it is."""
    difference, path = found.difference, printable(str(path))
    if model is not None:
        state = _laid_out(model, found.state, layout)
        difference = _difference(model, state, strict, f"{path} does not fit")
        state = _in_dtypes_of(model, state, path)
        if not known:
            _warn_of_squares(model, found.state, path)
    with all_or_nothing(optimizer, scheduler):
        _load(path, "scheduler", scheduler, found.scheduler)
        _load(path, "optimizer", optimizer, found.optimizer)
        if model is not None:
            model.load_state_dict(state, strict=False)
    return difference


def to_torch_state_dict(model: Module[Any]) -> dict[str, Any]:
    """The model's state as PyTorch's `load_state_dict` takes it: tensors in PyTorch's layout.

    The weight of its Linear is (out, in), that of a Dense (in, out); the names are the same.  The
    tensors are copies.  Raises ModuleNotFoundError without torch.
    """
    torch = required("torch", "to_torch_state_dict needs", "torch")
    state = _transposed(model, model.state_dict())
    return {name: torch.from_numpy(np.array(array, order="C")) for name, array in state.items()}


def from_torch_state_dict(
    model: Module[Any], state: Mapping[str, Any], strict: bool = True
) -> KeyDifference:
    """Set the model to a `state_dict` of PyTorch's, whose values are tensors or arrays.

    For a safetensors file that PyTorch wrote give `nn.load(path).state`.  Raises ValueError where
    names (unless `strict=False`, which returns them) or shapes differ, and has changed nothing.

    >>> import nn
    >>> layer = nn.Dense(2, 3)
    >>> _ = nn.from_torch_state_dict(layer, {"weight": np.ones((3, 2)), "bias": np.zeros(3)})
    >>> layer.weight.shape
    (2, 3)
    """
    if not isinstance(state, Mapping):
        raise TypeError(f"it takes a state, such as m.state_dict(), not a {type(state).__name__}")
    ours = _transposed(model, {name: _from_torch(value) for name, value in state.items()})
    opening = "the state, its weights transposed, does not fit"
    difference = _difference(model, ours, strict, opening)
    model.load_state_dict(ours, strict=False)
    return difference


def _paths_to_transpose(model: Module[Any]) -> set[str]:
    """The paths of the parameters whose layout is the transpose of PyTorch's."""
    return {path + name for path, module in model._walk() for name in module._transposed}


def _laid_out(
    model: Module[Any], state: Mapping[str, np.ndarray], layout: str
) -> dict[str, np.ndarray]:
    """The state in another layout, or back from it."""
    choice("layout", layout, ("nn", "torch"))
    return _transposed(model, state) if layout == "torch" else dict(state)


def _transposed(model: Module[Any], state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The state in PyTorch's layout, or back from it."""
    paths = _paths_to_transpose(model)
    return {name: array.T if name in paths else array for name, array in state.items()}


def _from_torch(value: Any) -> np.ndarray:
    if hasattr(value, "cpu"):  # PyTorch's
        value = value.detach().cpu()
        return np.asarray((value.float() if "bfloat16" in str(value.dtype) else value).numpy())
    return np.asarray(value.data if isinstance(value, Tensor) else value)


# -------------------------------------------------------------------- does it fit?


def _difference(
    model: Module[Any], state: Mapping[str, Any], strict: bool, opening: str
) -> KeyDifference:
    """The names that differ.  Raises ValueError, with all that differs, if they or shapes do."""
    own, hint = model.state_dict(), ""
    for name in _paths_to_transpose(model) & state.keys():
        if own[name].shape != np.shape(state[name]) == own[name].shape[::-1]:
            hint = "weights by PyTorch are transposed: nn.from_torch_state_dict takes them"
    return key_difference(f"{opening} {type(model).__name__}:", own, state, strict, hint)


def _warn_of_squares(model: Module[Any], state: Mapping[str, Any], path: Any) -> None:
    """Where no shape tells whether another tool wrote the weights in PyTorch's layout."""
    shapes = [state[name].shape for name in _paths_to_transpose(model) if name in state]
    if shapes and all(shape == shape[::-1] and max(shape) > 1 for shape in shapes):
        warnings.warn(
            f"{path} was not written by nn.save, and its weights are square: if PyTorch wrote "
            'them, they are transposed, and nn.load(path, model, layout="torch") is right',
            stacklevel=4,
        )


def _in_dtypes_of(
    model: Module[Any], state: Mapping[str, np.ndarray], path: Any
) -> dict[str, np.ndarray]:
    """The arrays that the model has, in its dtypes.  Raises ValueError for a value too large."""
    own, fitting = model.state_dict(), {}
    with np.errstate(over="raise", under="ignore"):
        for name in own.keys() & state.keys():
            try:
                fitting[name] = state[name].astype(own[name].dtype, copy=False)
            except FloatingPointError:
                raise ValueError(
                    f"{path} does not fit: {name} holds values too large for {own[name].dtype}"
                ) from None
    return fitting


def _load(path: Any, name: str, part: Any, state: dict[str, Any] | None) -> None:
    if part is None:
        return
    try:
        if state is None:
            raise ValueError(f"none was saved, write nn.save(path, model, {name}=...)")
        part.load_state_dict(state)
    except MemoryError:
        raise
    except Exception as error:
        raise ValueError(f"{path} does not fit the {name}: {error}") from error


# -------------------------------------------------------------------- the file


def read(path: Any) -> tuple[Checkpoint, str | None]:
    """What a file holds, and its layout if `save` wrote it."""
    library = required("safetensors", "Checkpoints need", "safetensors")
    content = Path(path).read_bytes()
    try:
        arrays = {name: _array(name, **about) for name, about in library.deserialize(content)}
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        text = header.get("__metadata__", {}).get(_KEY)
        rest = {"more": {}} if text is None else _unpack(json.loads(text), arrays)
        rest = {"optimizer": None, "scheduler": None, "layout": "nn", **rest}
        choice("layout", rest["layout"], ("nn", "torch"))
        for name in ("more", "optimizer", "scheduler"):
            if not (isinstance(rest[name], dict) or (rest[name] is None and name != "more")):
                raise TypeError(f"{name} is a {type(rest[name]).__name__}")
        found = Checkpoint(
            state={name: arrays[name] for name in sorted(arrays)},
            more=rest["more"],
            optimizer=rest["optimizer"],
            scheduler=rest["scheduler"],
            difference=KeyDifference([], []),
        )
    except MemoryError:
        raise
    except NotImplementedError as error:
        raise ValueError(printable(f"{path} cannot be read: {error}")) from None
    except Exception as error:
        message = f"{path} is damaged, or no safetensors file: {error}"
        raise ValueError(printable(message)) from None
    return found, None if text is None else rest["layout"]


def _uniquely_named(model: Module[Any]) -> dict[str, np.ndarray]:
    """The model's state.  Raises ValueError if it has not one name for each array."""
    pairs = (*model._named_parameters(), *model.named_buffers())
    for name, times in Counter(name for name, _ in pairs).items():
        if times > 1 or name == _RESERVED:
            why = "the format keeps it for itself" if name == _RESERVED else "there are two"
            raise ValueError(f"no array of a model can be saved as {name}: {why}; rename it")
    return model.state_dict()


def _check_readable(written: str, text: str, arrays: Mapping[str, np.ndarray], path: Any) -> None:
    """Raise ValueError unless a file that was just written has these names and this text."""
    library = required("safetensors", "Checkpoints need", "safetensors")
    try:
        with library.safe_open(written, "numpy") as file:  # which reads no more than the header
            same = set(file.keys()) == arrays.keys() and file.metadata() == {_KEY: text}
        _unpack(json.loads(text), dict(arrays))
    except Exception as error:
        message = f"{path} is left as it was, since a file of this could not be read again: {error}"
        raise ValueError(printable(message)) from None
    if not same:
        raise ValueError(f"{path} is left as it was: the file did not hold what was to be saved")


def _array(name: str, dtype: str, shape: list[int], data: Any) -> np.ndarray:
    """An array of the file, bfloat16 as float32."""
    if dtype == "BF16":
        halves = np.ndarray(shape, "<u2", buffer=data).astype(np.uint32)
        return np.asarray(halves << 16, np.uint32).view(np.float32)
    if dtype not in _DTYPES:
        raise NotImplementedError(f"{name} has dtype {dtype}, which NumPy does not have")
    array = np.ndarray(shape, np.dtype(_DTYPES[dtype]).newbyteorder("<"), buffer=data)
    return np.asarray(array, _DTYPES[dtype])


def _pack(value: Any, path: str, arrays: dict[str, np.ndarray]) -> Any:
    """A value as JSON has it, with its arrays put into `arrays` under names that start with `path`.

    A scalar of NumPy's keeps its dtype: float32 * np.float64(2) is not what float32 * 2.0 is.
    """
    match value:
        case Tensor() | np.ndarray():
            while path in arrays:
                path += "+"
            arrays[path] = value.data if isinstance(value, Tensor) else value
            return {"$array": path}
        case np.generic() if value.dtype.name in _NAMES:
            return {"$scalar": [value.dtype.name, value.item()]}
        case None | bool() | int() | float() | str():
            return value
        case tuple():
            return {"$tuple": _pack(list(value), path, arrays)}
        case list():
            return [_pack(item, f"{path}/{i}", arrays) for i, item in enumerate(value)]
        case dict() if all(isinstance(key, str) and key[:1] != "$" for key in value):
            return {key: _pack(item, f"{path}/{key}", arrays) for key, item in value.items()}
        case dict():
            keys = [_pack(key, path, arrays) for key in value]
            items = [_pack(item, f"{path}/{key}", arrays) for key, item in value.items()]
            return {"$dict": list(zip(keys, items, strict=True))}
    raise TypeError(
        f"a checkpoint cannot hold {path}, a {type(value).__name__}; it can hold numbers, strings, "
        "None and arrays, and lists, tuples and dicts of them"
    )


def _unpack(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """The value that `_pack` packed; its arrays are taken out of `arrays`."""
    match value:
        case {"$array": name}:
            return arrays.pop(name)
        case {"$scalar": [str(dtype), bool() | int() | float() as number]} if dtype in _NAMES:
            return np.dtype(dtype).type(number)
        case {"$tuple": list(items)}:
            return tuple(_unpack(items, arrays))
        case {"$dict": pairs}:
            return {_unpack(k, arrays): _unpack(v, arrays) for k, v in pairs}
        case dict():
            if any(key[:1] == "$" for key in value):
                raise ValueError(f"there is no value marked {', '.join(value)}")
            return {key: _unpack(item, arrays) for key, item in value.items()}
        case list():
            return [_unpack(item, arrays) for item in value]
    return value
