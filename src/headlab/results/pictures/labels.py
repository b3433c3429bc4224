"""Place labels at boxes so that they neither cover each other nor leave the picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Rect = tuple[int, int, int, int]
"""x1, y1, x2, y2 in pixels; x2 and y2 lie outside."""

_SLIDES = 4


@dataclass(frozen=True)
class Wanted:
    """A label to place.

    Attributes:
        box: the box it belongs to.
        sizes: width and height of its forms, the longest text first.
    """

    box: Rect
    sizes: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Placed:
    """Where a label goes.

    Attributes:
        form: which of the wanted sizes it has.
        rect: its rectangle, inside the picture.
    """

    form: int
    rect: Rect


def place(
    wanted: Sequence[Wanted],
    picture_wh: tuple[int, int],
    avoided: Sequence[Rect] = (),
    omit: bool = False,
) -> list[Placed | None]:
    """Choose a place for each label, the first ones first.

    A label takes the first of its forms, and the first place at its box, that covers no earlier label;
    among such places the one that covers least of `avoided`. Where there is none, the shortest form
    takes the place that covers least.

    Args:
        wanted: the labels, the most important first.
        picture_wh: the picture's width and height.
        avoided: rectangles that had better stay visible, such as the cells.
        omit: leave a label out (None) rather than let it cover another one.
    """
    taken: list[Rect] = []
    result: list[Placed | None] = []
    for label in wanted:
        chosen = _free_place(label, picture_wh, taken, avoided)
        if chosen is None and not omit:
            chosen = _least_bad_place(label, picture_wh, taken)
        if chosen is not None:
            taken.append(chosen.rect)
        result.append(chosen)
    return result


def overlap(first: Rect, second: Rect) -> int:
    """The area that two rectangles share."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(width, 0) * max(height, 0)


def _free_place(
    label: Wanted, picture_wh: tuple[int, int], taken: Sequence[Rect], avoided: Sequence[Rect]
) -> Placed | None:
    for form, size in enumerate(label.sizes):
        free = [
            rect
            for rect in _places(label.box, size, picture_wh)
            if not any(overlap(rect, other) for other in taken)
        ]
        if free:
            return Placed(form, min(free, key=lambda rect: _covered(rect, avoided)))
    return None


def _least_bad_place(
    label: Wanted, picture_wh: tuple[int, int], taken: Sequence[Rect]
) -> Placed | None:
    places = list(_places(label.box, label.sizes[-1], picture_wh))
    if not places:
        return None
    return Placed(len(label.sizes) - 1, min(places, key=lambda rect: _covered(rect, taken)))


def _covered(rect: Rect, others: Sequence[Rect]) -> int:
    return sum(overlap(rect, other) for other in others)


def _places(box: Rect, size: tuple[int, int], picture_wh: tuple[int, int]) -> Iterator[Rect]:
    """Places at a box inside the picture, the usual ones first: above, inside at the top, below."""
    (x1, y1, x2, y2), (width, height) = box, size
    slack = max(x2 - x1 - width, 0)
    columns = [x1 + slack * at // _SLIDES for at in range(_SLIDES + 1)] if slack else [x1]
    columns.append(x2 - width)
    for top in (y1 - height, y1, y2, y2 - height):
        for left in dict.fromkeys(columns):
            rect = _inside(left, top, size, picture_wh)
            if rect is not None:
                yield rect
    for top in range(y1 + height, y2 - 2 * height + 1, height):
        rect = _inside(x1, top, size, picture_wh)
        if rect is not None:
            yield rect


def _inside(left: int, top: int, size: tuple[int, int], picture_wh: tuple[int, int]) -> Rect | None:
    """The rectangle pushed into the picture sideways; None where its top or bottom sticks out."""
    (width, height), (most_x, most_y) = size, picture_wh
    if width > most_x or top < 0 or top + height > most_y:
        return None
    left = min(max(left, 0), most_x - width)
    return left, top, left + width, top + height
