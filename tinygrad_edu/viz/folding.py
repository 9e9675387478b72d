"""Smaller drawings of large graphs: modules folded into one box, equal modules shown once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .outline import Arrow, Box, Frame, Outline


def fold(outline: Outline, depth: int) -> None:
    """Let every module at that depth be one box; what is in none of them stays."""
    modules: dict[Frame, Box] = {}
    place: dict[Box, Box] = {}
    for box in outline.boxes:
        if box.frame.depth < depth:
            place[box] = box
            continue
        frame = box.frame.within(depth)
        module = modules.get(frame)
        if module is None:
            module = modules[frame] = Box("module", frame.outer or frame, _label(frame))
        module.operations += box.kind == "operation"
        if box.kind == "parameter":
            size = 1
            for n in box.shape:
                size *= n
            module.parameters += size
        if box.kind == "operation":
            module.shape, module.dtype = box.shape, box.dtype
        place[box] = module
    _replace(outline, place)


def show_repeats_once(outline: Outline) -> None:
    """Show the first of several equal modules that follow each other, with their number."""
    while (found := next(repeats(outline), None)) is not None:
        first, *others = found
        place = {box: box for box in outline.boxes}
        members = [_inside(outline, frame) for frame in (first, *others)]
        for repeat in members[1:]:
            place.update(zip(repeat, members[0], strict=True))
        repeated = {box: i for i, repeat in enumerate(members) for box in repeat}
        outline.arrows = [
            a
            for a in outline.arrows
            if repeated.get(a.tail) == repeated.get(a.head)
            or a.tail not in repeated
            or a.head not in repeated
        ]
        _replace(outline, place)
        first.times *= len(found)


def _label(frame: Frame) -> str:
    return f"{frame.name}  × {frame.times}" if frame.times > 1 else frame.name


def _replace(outline: Outline, place: dict[Box, Box]) -> None:
    """Put each box's place in its stead, with arrows between two places drawn once."""
    outline.boxes = list(dict.fromkeys(place.values()))
    arrows: dict[Any, Arrow] = {}
    for a in outline.arrows:
        tail, head = place[a.tail], place[a.head]
        if tail is not head or a.tail is a.head:
            operand = a.operand if head.kind == "operation" else None
            arrows.setdefault((tail, head, operand), Arrow(tail, head, operand, a.number))
    outline.arrows = list(arrows.values())
    outline.of = {key: place[box] for key, box in outline.of.items()}


def _inside(outline: Outline, frame: Frame) -> list[Box]:
    return [box for box in outline.boxes if box.frame.within(frame.depth) is frame]


def repeats(outline: Outline) -> Iterator[list[Frame]]:
    """Runs of sibling frames, outermost first, with equal contents."""
    contents: dict[Frame, list[Box]] = {frame: [] for frame in outline.frames}
    for box in outline.boxes:
        frame: Frame | None = box.frame
        while frame is not None and frame.outer is not None:
            contents[frame].append(box)
            frame = frame.outer
    into: dict[Box, list[Arrow]] = {}
    for a in outline.arrows:
        into.setdefault(a.head, []).append(a)
    siblings: dict[Frame | None, list[Frame]] = {}
    for frame in outline.frames:
        siblings.setdefault(frame.outer, []).append(frame)
    for family in siblings.values():
        described = [(_description(frame, contents[frame], into), frame) for frame in family]
        start = 0
        for i in range(1, len(described) + 1):
            if i == len(described) or described[i][0] != described[start][0]:
                run = [frame for _, frame in described[start:i]]
                if len(run) > 1 and _joined(run, contents, outline):
                    yield run
                start = i


def _description(frame: Frame, boxes: list[Box], into: dict[Box, list[Arrow]]) -> Any:
    """What two frames have in common if one can stand for the other."""
    number = {box: i for i, box in enumerate(boxes)}
    return [
        (
            box.kind,
            box.name if box.kind == "module" else box.node and box.node.op,
            box.shape,
            box.dtype,
            _below(box.frame, frame),
            [(number.get(a.tail), a.operand) for a in into.get(box, ())],
        )
        for box in boxes
    ]


def _below(frame: Frame, top: Frame) -> tuple[str, ...]:
    names = []
    while frame is not top:
        names.append(f"{frame.name} {frame.times}")
        frame = frame.outer  # type: ignore[assignment]
    return tuple(names)


def _joined(run: list[Frame], contents: dict[Frame, list[Box]], outline: Outline) -> bool:
    """Whether nothing between two of them lies outside, so that one box for all makes no loop."""
    group = {box for frame in run for box in contents[frame]}
    after: dict[Box, list[Box]] = {}
    for a in outline.arrows:
        after.setdefault(a.tail, []).append(a.head)
    frontier = [head for box in group for head in after.get(box, ()) if head not in group]
    seen = set(frontier)
    while frontier:
        for head in after.get(frontier.pop(), ()):
            if head in group:
                return False
            if head not in seen:
                seen.add(head)
                frontier.append(head)
    return True
