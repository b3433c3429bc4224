"""keras-yolo3's annotations: one text file, a line per image, boxes in whole pixels.

    path/to/image.jpg 50,100,150,200,0 30,50,200,120,3

Source: the README of qqwweee/keras-yolo3. Its own reader splits a line at every blank, so that it cannot
read paths with blanks; headlab can.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from headlab.boxes.classes import class_names, names_next_to
from headlab.boxes.formats.format import ENOUGH, SURE, Evidence, Reading
from headlab.boxes.formats.keras_yolo3.columns import columns_mistake
from headlab.boxes.formats.keras_yolo3.line import MEANT_AS_BOX, NEARLY_BOX, PLAIN_LINE, parse_line
from headlab.boxes.formats.numbers import MAX_CLASS
from headlab.boxes.photos.search import is_photo, resolved, with_slashes
from headlab.boxes.table import (
    FARTHEST_PX,
    WRONG_COLUMNS,
    BoxTable,
    Problem,
    boxes_frame,
    encoding_problems,
    images_frame,
)
from headlab.errors import InputError
from headlab.files.existing import is_file
from headlab.files.text import first_lines, read_text
from headlab.plain_text import counted

_NOT_PLAIN_TEXT = (".yaml", ".yml", ".json", ".xml")
_LINES_LOOKED_AT = 200


def recognise_keras(path: Path) -> Evidence:
    """Score the share of the first lines that have boxes; lines of photos alone are just enough."""
    if not is_file(path):
        return Evidence(0, f"no text file with {_BOXES}{_text_within(path)}")
    if path.suffix.lower() in _NOT_PLAIN_TEXT:
        return Evidence(0, f"no text file with {_BOXES}")
    boxes, photos, count = _looked_at(path)
    if not count:
        return Evidence(0, "no text")
    if not boxes:
        is_list = photos == count
        return Evidence(ENOUGH if is_list else 0, f"{photos} paths of photos, and no {_BOXES}")
    score = (SURE + (boxes + photos) / count) / 2 if boxes + photos >= count / 2 else 0
    return Evidence(score, f"{_BOXES} in {boxes} of the first {counted(count, 'line')}")


def _looked_at(path: Path) -> tuple[int, int, int]:
    """How many of the first lines have boxes, how many are the path of a photo, and how many there are."""
    lines = [line.strip() for line in first_lines(path)[:_LINES_LOOKED_AT] if line.strip()]
    with_boxes = [
        line for line in lines if any(re.match(MEANT_AS_BOX, word) for word in line.split())
    ]
    has_one = any(re.match(NEARLY_BOX, word) for line in with_boxes for word in line.split())
    return len(with_boxes) if has_one else 0, sum(map(is_photo, lines)), len(lines)


def _text_within(folder: Path) -> str:
    """Which file to give instead of its folder, if there is one."""
    for file in sorted(folder.glob("*.txt"))[:_FILES_LOOKED_AT]:
        try:
            if _looked_at(file)[0]:
                return f" ({file} looks like one: give that file instead of the folder)"
        except InputError:
            continue
    return ""


_BOXES = "boxes x1,y1,x2,y2,class"
_FILES_LOOKED_AT = 20


def read_keras(path: Path, how: Reading) -> BoxTable:
    """Read the text file of keras-yolo3.

    Class names that are not given are looked for in a file next to it.

    Raises:
        InputError: a file cannot be read, or no line names an image.
    """
    text = read_text(path, how.encoding)
    names = (
        names_next_to(path, how.encoding)
        if how.names is None
        else class_names(how.names, how.encoding)
    )
    lines, boxes, rejected = _parsed(text.lines, str(path))
    if not lines.height and not rejected:
        raise InputError(f"{path}: no line names an image.", "Give a file with annotations.")
    images = images_frame(
        lines["image"],
        path=resolved(with_slashes(lines["image"]), path.parent, how.images),
        split=how.split,
        file=str(path),
        line=lines["line"],
    )
    box_rows = boxes_frame(
        boxes["image_id"],
        boxes["class_id"],
        boxes.select("x1", "y1", "x2", "y2"),
        images,
        file=str(path),
        line=lines["line"].gather(boxes["image_id"]),
    )
    problems = (*encoding_problems(text.remarks, path), *names.problems, *rejected)
    return BoxTable(box_rows, images, names.names, problems, "keras", names_source=names.source)


def _parsed(lines: list[str], file: str) -> tuple[pl.DataFrame, pl.DataFrame, list[Problem]]:
    """The images (image, line), their boxes (image_id, class_id, x1, y1, x2, y2), and what was rejected.

    Ordinary lines are read as columns, the few others one by one with `parse_line`.
    """
    table = pl.DataFrame({"text": pl.Series(lines, dtype=pl.String)}).with_row_index("row")
    table = table.filter(pl.col("text").str.contains(r"[^ \t]"))
    paths, boxes, odd = _ordinary(table)
    problems: list[Problem] = []
    if odd.height:
        odd_paths, odd_boxes, problems = _odd(odd, file, boxes.height)
        paths = pl.concat([paths, odd_paths]).sort("row")
        boxes = pl.concat([boxes, odd_boxes]).sort("row", maintain_order=True)
    ids = np.searchsorted(paths["row"].to_numpy(), boxes["row"].to_numpy())
    boxes = boxes.with_columns(image_id=pl.Series(ids, dtype=pl.Int64))
    images = paths.select(image="image", line=pl.col("row").cast(pl.Int64) + 1)
    return images, boxes, problems


def _ordinary(table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Paths (row, image) and boxes (row, class_id, x1 ... y2) of ordinary lines; the other lines.

    A line is ordinary if a path without commas is followed by nothing but boxes that have numbers in
    range. The first comma then separates the path and the first box's first number from all other
    numbers.
    """
    plain = table.filter(pl.col("text").str.contains(PLAIN_LINE))
    text = pl.col("text").str.strip_chars(" \t")
    parts = plain.select(
        "row",
        boxes=pl.col("text").str.count_matches(",", literal=True) // (len(_FIELDS) - 1),
        parts=text.str.splitn(",", 2),
    ).unnest("parts")
    head, rest = pl.col("field_0"), pl.col("field_1")
    has_boxes = pl.col("boxes") > 0
    paths = parts.select(
        "row",
        image=pl.when(has_boxes).then(head.str.replace(r"[ \t]+[^ \t]*$", "")).otherwise(head),
    )
    numbers = (
        parts.filter(has_boxes)
        .select(pl.concat_str(head.str.extract(r"([^ \t]*)$"), rest, separator=","))
        .to_series()
        .str.join(" ")
        .str.replace_all(r"[ \t]+", ",")
        .str.split(",")
        .explode()
    )
    values = np.zeros(0) if not len(numbers[0] or "") else numbers.cast(pl.Float64).to_numpy()
    values = values.reshape(-1, len(_FIELDS))
    rows = parts["row"].to_numpy().repeat(parts["boxes"].to_numpy())
    classes = values[:, 4]
    out_of_range = (np.abs(values[:, :4]) > FARTHEST_PX).any(1)
    out_of_range |= (classes < 0) | (classes != np.floor(classes)) | (classes >= MAX_CLASS)
    bad = np.unique(rows[out_of_range])
    kept = ~np.isin(rows, bad)
    boxes = pl.DataFrame(
        {
            "row": rows[kept],
            "class_id": classes[kept].astype(np.int64),
            **{name: values[kept, at] for at, name in enumerate(_FIELDS[:4])},
        },
        schema=_BOX_SCHEMA,
    )
    paths = paths.filter(~pl.col("row").is_in(pl.Series(bad, dtype=pl.UInt32).implode()))
    return (
        paths,
        boxes,
        table.join(paths.select("row"), on="row", how="anti", maintain_order="left"),
    )


_FIELDS = ["x1", "y1", "x2", "y2", "number"]
_BOX_SCHEMA = {"row": pl.UInt32, "class_id": pl.Int64} | dict.fromkeys(_FIELDS[:4], pl.Float64)


def _odd(
    lines: pl.DataFrame, file: str, count: int
) -> tuple[pl.DataFrame, pl.DataFrame, list[Problem]]:
    """The same as of `_ordinary` for the other lines, and what was rejected of them.

    Args:
        lines: row and text.
        file: for the problems.
        count: how many boxes the ordinary lines have.
    """
    paths: list[tuple[int, str]] = []
    boxes: list[tuple[int, int, float, float, float, float]] = []
    problems: list[Problem] = []
    rejected: list[str] = []
    for row, text in lines.iter_rows():
        line = parse_line(text)
        if not line.path:
            message = "The line was skipped: it does not begin with the path of an image."
            problems.append(Problem("error", "bad-line", message, file, row + 1))
            continue
        paths.append((row, line.path))
        boxes.extend((row, number, *corners) for *corners, number in line.boxes)
        problems.extend(
            Problem("error", "bad-box", f"{why} It was skipped.", file, row + 1, line.path)
            for why in line.rejected
        )
        rejected += line.rejected_words
    mistake = columns_mistake(rejected, count + len(boxes))
    if mistake:
        first = next(problem for problem in problems if problem.kind == "bad-box")
        problems.insert(0, replace(first, kind=WRONG_COLUMNS, message=mistake, image=""))
    return (
        pl.DataFrame(paths, schema={"row": pl.UInt32, "image": pl.String}, orient="row"),
        pl.DataFrame(
            boxes,
            schema=_BOX_SCHEMA,
            orient="row",
        ),
        problems,
    )
