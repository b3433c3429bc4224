"""Say on a picture what each box is: with a label, or with a number that a list explains."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import ImageDraw

from headlab.plain_text import printable
from headlab.results.colours import ink_on, level_colour
from headlab.results.fonts import TextLine, fitted_line, text_line
from headlab.results.pictures.labels import MOST_HIDDEN, Placed, Placing, Rect, Wanted
from headlab.results.pictures.margin import Entry
from headlab.results.pictures.marks import draw_leader
from headlab.results.style import BUSY, CROWD
from headlab.trace.row_words import cell, slot_behind

Row = Mapping[str, Any]

MOST_LISTED = 300
"""The list of a picture names no more detections than this; the table has all of them."""

_LONGEST_NAME = 24
_FAR_WIDER = 1.6
_TEXT_RINGS = 3
_TAG_TRIES = ((3, 0.3), (0, math.inf), (7, math.inf))
"""For numbers, one try after the other: rings to search, and the share of a box that they may hide."""


@dataclass(frozen=True)
class Label:
    """A placed label.

    Attributes:
        at: the detection's place among the rows.
        line: what is written.
        placed: where.
    """

    at: int
    line: TextLine
    placed: Placed


@dataclass(frozen=True)
class Captions:
    """What is written about the detections of a picture.

    Attributes:
        labels: on the picture.
        listed: the detections that the list of the picture names, by their places among the rows, in order of
            their numbers. On the picture these have a number, or nothing where there is no room for that.
        unnamed: how many are in neither.
    """

    labels: tuple[Label, ...]
    listed: tuple[int, ...] = ()
    unnamed: int = 0


def captions(
    rows: Sequence[Row],
    boxes: Sequence[Rect],
    cells: Sequence[Rect],
    field_wh: tuple[int, int],
    font_px: int,
    with_list: bool = True,
) -> Captions:
    """Choose for each detection what is written at its box, and where; the best scores choose first.

    Args:
        rows: the detections.
        boxes: their boxes on the picture.
        cells: their cells, as far as they lie on it, which should stay visible.
        field_wh: width and height of what labels may lie on.
        font_px: the size of letters.
        with_list: whether a box without room for a label gets a number, and a line in the list.
    """
    placing = Placing(field_wh, boxes, cells)
    best_first = sorted(range(len(rows)), key=lambda at: -rows[at]["score"])
    labels: list[Label] = []
    rest: list[int] = []
    for at in best_first:
        texts = _forms(rows[at], boxes[at], font_px, len(rows))
        label = _placed(placing, at, boxes[at], texts, font_px, _TEXT_RINGS, MOST_HIDDEN)
        if label is None:
            rest.append(at)
        else:
            labels.append(label)
    if not with_list:
        return Captions(tuple(labels), unnamed=len(rest))
    listed = rest[:MOST_LISTED]
    for at in sorted(listed, key=lambda at: _area(boxes[at])):
        number = [str(rows[at]["detection"])]
        for rings, most_hidden in _TAG_TRIES:
            label = _placed(placing, at, boxes[at], number, font_px, rings, most_hidden)
            if label is not None:
                labels.append(label)
                break
    in_order = sorted(listed, key=lambda at: rows[at]["detection"])
    return Captions(tuple(labels), tuple(in_order), len(rest) - len(listed))


def _placed(
    placing: Placing,
    at: int,
    box: Rect,
    texts: Sequence[str],
    font_px: int,
    rings: int,
    most_hidden: float,
) -> Label | None:
    lines = [text_line(text, font_px) for text in texts]
    margin = _padding(font_px)
    sizes = tuple((line.width_px + 2 * margin, line.height_px + margin) for line in lines)
    placed = placing.add(Wanted(box, sizes), rings=rings, most_hidden=most_hidden)
    return None if placed is None else Label(at, lines[placed.form], placed)


def _forms(row: Row, box: Rect, font_px: int, count: int) -> list[str]:
    """A label's texts, the longest first; among many detections without the address.

    Among more than a few detections only wide boxes have it.
    """
    name = _name(row, font_px)
    full, short = _full(row, font_px), [f"{name} {row['score']:.2f}", name]
    if count <= BUSY:
        return [full, *short]
    width = box[2] - box[0]
    fits = count <= CROWD and text_line(full, font_px).width_px <= _FAR_WIDER * width
    return [full, *short] if fits else short


def _full(row: Row, font_px: int) -> str:
    """Class, score and address."""
    name = _name(row, font_px)
    return f"{name} {row['score']:.2f} {row['level']} ({cell(row)}){slot_behind(row)}"


def _name(row: Row, font_px: int) -> str:
    return fitted_line(printable(row["class_name"]), font_px, _LONGEST_NAME * font_px).text


def _padding(font_px: int) -> int:
    return max(2, font_px // 4)


def _area(box: Rect) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def list_entry(row: Row, font_px: int) -> Entry:
    """A detection's line in the list of a picture, with its number in the colour of its level."""
    return Entry(_full(row, font_px), level_colour(row["level"]), str(row["detection"]))


def draw_labels(
    canvas: ImageDraw.ImageDraw,
    rows: Sequence[Row],
    labels: Sequence[Label],
    font_px: int,
    line_px: int,
) -> None:
    """Draw labels where they were placed, with the lines that lead to their boxes."""
    for label in labels:
        if label.placed.leader is not None:
            colour = level_colour(rows[label.at]["level"])
            draw_leader(canvas, label.placed.leader, colour, line_px)
    for label in labels:
        colour = level_colour(rows[label.at]["level"])
        x1, y1, x2, y2 = label.placed.rect
        canvas.rectangle((x1, y1, x2 - 1, y2 - 1), fill=colour)
        top = y1 + (y2 - y1 - label.line.height_px) / 2
        label.line.draw(canvas, x1 + _padding(font_px), top, ink_on(colour))
