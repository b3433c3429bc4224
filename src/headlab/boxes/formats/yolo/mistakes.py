"""The likeliest mistake of a whole set of YOLO labels: columns that mean something else.

One odd line is a slip; when most lines are odd in the same way, the files are of another format, and one
remedy is for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import polars as pl

from headlab.boxes.formats.yolo.labels import FARTHEST, Labels, confidence_column
from headlab.boxes.table import WRONG_COLUMNS, Problem

_MOST = 0.8
_HALF = 0.5
_OUTSIDE = 0.01
_LEAST, _FEW = 2, 6
_BOX_NUMBERS = 5
_VISIBILITIES = (0.0, 1.0, 2.0)


def likely_mistakes(labels: Labels, file: str, keypoints: int) -> list[Problem]:
    """What most of the labels get wrong in the same way; at most one problem for each cause.

    Args:
        labels: what was read.
        file: the data set, for the problem.
        keypoints: how many numbers of keypoints follow each box.
    """
    are_odd = bool(labels.odd) and labels.odd_count >= _MOST * labels.lines
    messages = _of_boxes(labels)
    if are_odd:
        kinds = (_commas, _class_names, _confidence, _class_last, _pixels)
        messages += [message for message in (kind(labels.odd) for kind in kinds) if message][:1]
    problems = [Problem("error", WRONG_COLUMNS, message, file) for message in messages]
    if are_odd and not keypoints and not problems:
        problems += _keypoints(labels.odd, file)
    return problems


def _commas(lines: Sequence[str]) -> str:
    if not _most(lines, lambda line: line.count(",") >= _BOX_NUMBERS - 1):
        return ""
    return "The numbers are separated by commas: YOLO's labels separate them by spaces."


def _class_names(lines: Sequence[str]) -> str:
    def begins_with_name(line: str) -> bool:
        words = line.split()
        return (
            len(words) >= _BOX_NUMBERS
            and _numbers(words[:1]) is None
            and _numbers(words[1 - _BOX_NUMBERS :]) is not None
        )

    if not _most(lines, begins_with_name):
        return ""
    return (
        "The lines begin with a word: YOLO's labels begin with the number of the class, counted from 0. "
        "Replace each name by its number in data.yaml or classes.txt."
    )


def _confidence(lines: Sequence[str]) -> str:
    rows = [_numbers(line.split()) for line in lines]
    sixes = [row for row in rows if row is not None and len(row) == _BOX_NUMBERS + 1]
    if len(sixes) < _MOST * len(lines):
        return ""
    columns = [confidence_column(row[1:]) for row in sixes]
    for column in ("second", "last"):
        if column in columns and all(other in (column, "") for other in columns):
            return (
                f"The {column} of six numbers is a confidence: these are a detector's predictions. "
                "Remove that column if they are to count as annotations."
            )
    return (
        "The lines have six numbers, one of which may be a confidence: YOLO's labels have five, the class "
        "and x, y, width and height."
    )


def _class_last(lines: Sequence[str]) -> str:
    rows = [_numbers(line.split()) for line in lines]
    if not all(row and len(row) == _BOX_NUMBERS and row[-1] == int(row[-1]) for row in rows):
        return ""
    if all(row is not None and row[0] == int(row[0]) for row in rows):
        return ""
    return "The class comes last: YOLO's labels begin with it."


def _pixels(lines: Sequence[str]) -> str:
    def in_pixels(line: str) -> bool:
        row = _numbers(line.split())
        if row is None or len(row) != _BOX_NUMBERS:
            return False
        return min(row[1:]) >= 0 and max(row[1:]) > FARTHEST

    if not _most(lines, in_pixels):
        return ""
    return (
        "The numbers are pixels or percent: YOLO's labels are shares of the photo's width and height, from 0 "
        "to 1."
    )


def _keypoints(lines: Sequence[str], file: str) -> list[Problem]:
    """Keypoints after each box, without a kpt_shape that says so.

    With a visibility for each point that is sure; points of two numbers could be corners of polygons, too.
    """
    rows = [_numbers(line.split()) for line in lines]
    counts = {0 if row is None else len(row) for row in rows}
    if len(counts) != 1 or min(counts) <= _BOX_NUMBERS + 1:
        return []
    more = counts.pop() - _BOX_NUMBERS
    for numbers in (3, 2):
        if more % numbers == 0 and all(row and _has_keypoints(row, numbers) for row in rows):
            message = (
                f"The labels look like those of poses: a box and {more // numbers} keypoints. If they are, "
                f"write kpt_shape: [{more // numbers}, {numbers}] in data.yaml, so that the boxes are read."
            )
            if numbers == len(_VISIBILITIES):
                return [Problem("error", WRONG_COLUMNS, message, file)]
            return [Problem("warning", "keypoints", message, file)]
    return []


def _has_keypoints(row: Sequence[float], numbers: int) -> bool:
    """Whether the numbers after a box within the photo are points on it, or points that are not known."""
    _, x, y, w, h, *rest = row
    if min(x - w / 2, y - h / 2) < -_OUTSIDE or max(x + w / 2, y + h / 2) > 1 + _OUTSIDE:
        return False
    points = [rest[at : at + numbers] for at in range(0, len(rest), numbers)]
    if numbers == len(_VISIBILITIES):
        return all(point[2] in _VISIBILITIES for point in points)
    return all(
        point == [0, 0] or (abs(point[0] - x) <= w / 2 and abs(point[1] - y) <= h / 2)
        for point in points
    )


def _of_boxes(labels: Labels) -> list[str]:
    """Boxes that stick out of their photos, where most do."""
    boxes = labels.boxes
    least, most = pl.min_horizontal("x1", "y1"), pl.max_horizontal("x2", "y2")
    outside = boxes.select(((least < -_OUTSIDE) | (most > 1 + _OUTSIDE)).sum()).item()
    if boxes.height < _LEAST or outside < (_HALF if boxes.height >= _FEW else 1) * boxes.height:
        return []
    x, w = (pl.col("x1") + pl.col("x2")) / 2, pl.col("x2") - pl.col("x1")
    y, h = (pl.col("y1") + pl.col("y2")) / 2, pl.col("y2") - pl.col("y1")
    start = "Most boxes stick out of their photos, and would not if the four numbers were "
    within = (pl.min_horizontal(x, y) >= 0) & (pl.max_horizontal(w, h) <= 1 + _OUTSIDE)
    if boxes.select((within & (w > x) & (h > y)).all()).item():
        return [
            f"{start}x1, y1, x2, y2: YOLO's labels are the centre, the width and the height of a box."
        ]
    if boxes.select((within & (x + w <= 1 + _OUTSIDE) & (y + h <= 1 + _OUTSIDE)).all()).item():
        return [
            f"{start}the upper left corner, width and height: YOLO's labels begin with the centre of a box."
        ]
    return []


def _most(lines: Sequence[str], test: Callable[[str], bool]) -> bool:
    return sum(map(test, lines)) >= _MOST * len(lines)


def _numbers(words: Sequence[str]) -> list[float] | None:
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None
