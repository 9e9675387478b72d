"""Where an op was called, and to which variable its result went: read from the bytecode.

Of a frame only its code and the offset of the instruction at work are kept, never the frame itself,
which would hold everybody's local variables. All else is looked up when it is asked for. No source
is needed for names, so they are found in a notebook and behind `exec` too.
"""

from __future__ import annotations

import bisect
import dis
import functools
import itertools
import linecache
import os
import sys
from collections.abc import Iterable
from types import CodeType, FrameType
from typing import Any, NamedTuple

from . import errors
from .errors import printable

USER_FRAMES = 4
RETURNED = object()
"""In place of a name: the value is returned, so that the caller's instruction names it."""

_RESUMABLE = 0x20 | 0x80 | 0x200  # generators and coroutines: others may call them next time
_ENGINE, _LAYER, _PASSED, _USER = range(4)
_calls = itertools.count(1)
_kinds: dict[int, int] = {}  # by id, since the hash of a code reads all of it
_read: list[CodeType] = []  # holds them, or an id would be given anew


class Site(NamedTuple):
    """An instruction of a frame that is at work, and whether it stands in a layer of nn."""

    code: CodeType
    offset: int
    in_layer: bool


class Line(NamedTuple):
    """A line of source; columns count characters, and are None where only the line is known."""

    file: str
    line: int
    text: str
    start: int | None
    end: int | None
    function: str

    def __str__(self) -> str:
        return f"{printable(os.path.basename(self.file))}:{self.line}"

    @property
    def expression(self) -> str:
        """The part of the line that was at work, or all of it."""
        return self.text[self.start : self.end] if self.start is not None else self.text.strip()


class Frames:
    """Reads the frames around one op after the other.

    It holds those of the last op, by which it knows whether the next is part of the same call.
    """

    def __init__(self, sweep: CodeType) -> None:
        self._sweep = sweep
        self._inner: dict[FrameType, int] = {}  # numbers of calls
        self._around: dict[FrameType, int] = {}
        self._user: FrameType | None = None
        self._outer: tuple[tuple[Site, ...], tuple[int, ...], bool] = ((), (), False)

    def read(self, frame: FrameType | None) -> tuple[tuple[Site, ...], tuple[int, ...], bool]:
        """The sites around an op, whose frame is given, innermost first, less the engine's own.

        They are at most four of the user's, and before them, if the op was called in a layer of nn,
        that layer's. With them come the calls that they have made, by number, and whether a
        backward pass is among the frames, so that a derivative called the op.
        """
        below: Any = frame
        start, layer, swept = frame, None, False
        known, self._inner = self._inner, {}
        while frame is not None:
            code = frame.f_code
            kind = _kinds.get(id(code))
            if kind is None:
                kind = _kind(code)
            if kind == _USER:
                break
            if kind == _LAYER and layer is None:
                layer = Site(code, frame.f_lasti, True)
                inner = self._number(below, start, known)
            elif code is self._sweep:
                swept = True
            below, frame = frame, frame.f_back
        if frame is None:
            return ((layer,), (inner,), swept) if layer else ((), (), swept)
        call = self._number(below, start, known)
        if frame is not self._user or code.co_flags & _RESUMABLE:
            self._user, self._outer = frame, self._read_around(frame, known)
        sites, calls, outer_swept = self._outer
        sites, calls = (Site(code, frame.f_lasti, False), *sites), (call, *calls)
        if layer:
            sites, calls = (layer, *sites), (inner, *calls)
        return sites, calls, swept or outer_swept

    def _number(self, called: Any, start: Any, known: dict[FrameType, int]) -> int:
        """The number of a call; that of the op itself is new, and its frame need not be held."""
        if called is start:
            return next(_calls)
        number = known.get(called) or self._around.get(called) or next(_calls)
        self._inner[called] = number
        return number

    def _read_around(self, frame: FrameType, known: dict[FrameType, int]) -> Any:
        """The same for the user's frames around one, which stay as they are while it is at work."""
        sites: list[Site] = []
        calls: list[int] = []
        swept = False
        known, self._around = {**self._around, **known, **self._inner}, {}
        below, outer = frame, frame.f_back
        while outer is not None and len(sites) < USER_FRAMES - 1:
            if _is_user(outer.f_code):
                sites.append(Site(outer.f_code, outer.f_lasti, False))
                number = self._around[below] = known.get(below) or next(_calls)
                calls.append(number)
            swept = swept or outer.f_code is self._sweep
            below, outer = outer, outer.f_back
        return tuple(sites), tuple(calls), swept


def _kind(code: CodeType) -> int:
    """Whose code it is. A layer's `__call__` passes on what its `forward` returned."""
    folder = os.path.dirname(os.path.abspath(__file__))
    kind = _USER
    if code.co_filename.startswith(folder + os.sep):
        kind = _ENGINE
    elif any(code.co_filename.startswith(each + os.sep) for each in _layers()):
        kind = _PASSED if code.co_name == "__call__" else _LAYER
    _read.append(code)
    _kinds[id(code)] = kind
    return kind


def _is_user(code: CodeType) -> bool:
    kind = _kinds.get(id(code))
    return (_kind(code) if kind is None else kind) == _USER


def _layers() -> Iterable[str]:
    """The folders of the packages on top of the engine."""
    for name in errors.internal - {__name__.partition(".")[0]}:
        file = getattr(sys.modules.get(name), "__file__", None)
        if file:
            yield os.path.dirname(os.path.abspath(file))


# -------------------------------------------------------------------- the line


def line(site: Site) -> Line:
    """The line of source that a site stands on."""
    number, start, end = _position(site.code, site.offset)
    text = linecache.getline(site.code.co_filename, number).rstrip("\n")
    if start is not None and end is not None:  # they count bytes
        raw = text.encode()
        start, end = (len(raw[:at].decode(errors="ignore")) for at in (start, end))
    return Line(site.code.co_filename, number, text, start, end, site.code.co_name)


def _position(code: CodeType, offset: int) -> tuple[int, int | None, int | None]:
    """Line, first and last column of an instruction.

    An expression of several lines is taken to end with its first.
    """
    if sys.version_info >= (3, 11):
        number, last, start, end = list(code.co_positions())[max(offset, 0) // 2]
        if number is not None:
            return number, start, end if number == last else (None if start is None else 10**6)
    number = code.co_firstlineno
    for first, after, each in code.co_lines():
        if each is not None and first <= offset < after:
            number = each
    return number, None, None


# -------------------------------------------------------------------- the name


@functools.lru_cache(maxsize=4096)
def target(site: Site, output: int | None = None) -> Any:
    """The variable that the value of a site goes to, as in `h` or `self.h`.

    RETURNED if it is returned, None if it is used in an expression. With `output`, the value is
    one of several, which are unpacked.
    """
    offsets, instructions = _instructions(site.code)
    at = bisect.bisect_right(offsets, site.offset)  # during a call, offsets lie in inline caches
    after: list[tuple[str, Any]] = []
    while at < len(instructions) and len(after) < 12:
        name, value = instructions[at]
        if name == "JUMP_FORWARD":  # from the end of a branch
            at = bisect.bisect_left(offsets, value)
            continue
        if name not in _SKIPPED:
            after.append((name, value))
        at += 1
    if after and after[0][0] in ("UNPACK_SEQUENCE", "UNPACK_EX"):
        return None if output is None else _stored_at(after[1:], output)
    return None if output is not None else _stored(after)


_SKIPPED = {"EXTENDED_ARG", "CACHE", "NOP", "COPY", "DUP_TOP", "PRECALL", "NOT_TAKEN"}


@functools.lru_cache(maxsize=256)
def _instructions(code: CodeType) -> tuple[list[int], list[tuple[str, Any]]]:
    read = list(dis.get_instructions(code))
    return [each.offset for each in read], [(each.opname, each.argval) for each in read]


def _stored(after: list[tuple[str, Any]]) -> Any:
    """What the first of these instructions does with the value on the stack."""
    value: Any
    name, value = after[0] if after else ("", None)
    if name.startswith("RETURN_"):
        return RETURNED
    if name.startswith("STORE_FAST_"):  # two instructions in one
        return value[0]
    if name.startswith("STORE_") and name not in ("STORE_SUBSCR", "STORE_SLICE", "STORE_ATTR"):
        return value
    loaded: list[Any] = []
    while after and after[0][0].startswith("LOAD_"):
        name, value = after.pop(0)
        several = name.count("LOAD_") > 1  # instructions in one
        constant = name in ("LOAD_CONST", "LOAD_SMALL_INT")
        loaded += value if several else [repr(value) if constant else value]
    if after and after[0][0] == "STORE_ATTR" and len(loaded) == 1:
        return f"{loaded[0]}.{after[0][1]}"
    if after and after[0][0] == "STORE_SUBSCR" and len(loaded) == 2:
        return f"{loaded[0]}[{loaded[1]}]"
    return None


def _stored_at(after: list[tuple[str, Any]], output: int) -> Any:
    """The name that one of several unpacked values is stored under, if all are simple names."""
    names: list[Any] = []
    for name, value in after:
        if not name.startswith("STORE_") or len(names) > output:
            break
        if name == "STORE_FAST_LOAD_FAST":
            names.append(value[0])
            break
        names += value if name == "STORE_FAST_STORE_FAST" else [value]
    return names[output] if output < len(names) else None


def variable(frame: FrameType | None, *values: Any) -> str | None:
    """The name under which one of these objects is known where an op was called.

    The innermost frames of the user's are looked at, and the module of each.
    """
    looked = 0
    while frame is not None and looked < 2:
        if _is_user(frame.f_code):
            looked += 1
            for names in (frame.f_locals, frame.f_globals):
                for name, value in list(names.items()):
                    if any(value is each for each in values) and not name.startswith("_"):
                        return name
        frame = frame.f_back
    return None
