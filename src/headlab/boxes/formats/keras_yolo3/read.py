"""keras-yolo3's annotations: one text file, a line per image, boxes in whole pixels.

    path/to/image.jpg 50,100,150,200,0 30,50,200,120,3

Source: the README of qqwweee/keras-yolo3. Its own reader splits at every blank, so that paths with
blanks do not work there; they do here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from headlab.boxes.classes import Classes, class_names, names_near
from headlab.boxes.formats.keras_yolo3.line import MAX_CLASS, PLAIN_LINE, parse_line
from headlab.boxes.photos.search import resolved
from headlab.boxes.table import (
    FARTHEST_PX,
    BoxTable,
    Problem,
    boxes_frame,
    encoding_problems,
    images_frame,
)
from headlab.errors import InputError
from headlab.files.text import read_text


def read_keras(
    path: Path,
    *,
    classes: Classes | None = None,
    images: Path | None = None,
    split: str | None = None,
    encoding: str | None = None,
) -> BoxTable:
    """Read the text file of keras-yolo3.

    Args:
        path: the file.
        classes: the class names; by default those in a file next to it.
        images: the folder that the images' paths start from, or that the images lie in.
        split: what to call the split.
        encoding: of the file; see `headlab.files.text.read_text`.

    Raises:
        InputError: a file cannot be read, or no line names an image.
    """
    text = read_text(path, encoding)
    names, name_problems = names_near(path) if classes is None else class_names(classes)
    lines, boxes, rejected = _parsed(text.lines, str(path))
    if not lines.height and not rejected:
        raise InputError(f"{path}: no line names an image.", "Give a file with annotations.")
    image_table = images_frame(
        lines["image"],
        path=resolved(lines["image"], path.parent, images),
        split=split,
        file=str(path),
        line=lines["line"],
    )
    box_table = boxes_frame(
        boxes["image_id"],
        boxes["class_id"],
        boxes.select("x1", "y1", "x2", "y2"),
        image_table,
        file=str(path),
        line=lines["line"].gather(boxes["image_id"]),
    )
    problems = (*encoding_problems(text.remarks, path), *name_problems, *rejected)
    return BoxTable(box_table, image_table, names, problems, "keras")


def _parsed(lines: list[str], file: str) -> tuple[pl.DataFrame, pl.DataFrame, list[Problem]]:
    """The images (image, line), their boxes (image_id, class_id, x1, y1, x2, y2), what was rejected.

    Ordinary lines are read as columns; the few that are not as `parse_line` tells.
    """
    table = pl.DataFrame({"text": pl.Series(lines, dtype=pl.String)}).with_row_index("row")
    table = table.filter(pl.col("text").str.contains(r"[^ \t]"))
    paths, boxes, odd = _ordinary(table)
    problems: list[Problem] = []
    if odd.height:
        odd_paths, odd_boxes, problems = _odd(odd, file)
        paths = pl.concat([paths, odd_paths]).sort("row")
        boxes = pl.concat([boxes, odd_boxes]).sort("row", maintain_order=True)
    ids = np.searchsorted(paths["row"].to_numpy(), boxes["row"].to_numpy())
    boxes = boxes.with_columns(image_id=pl.Series(ids, dtype=pl.Int64))
    images = paths.select(image="image", line=pl.col("row").cast(pl.Int64) + 1)
    return images, boxes, problems


def _ordinary(table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Paths (row, image) and boxes (row, class_id, x1 ... y2) of ordinary lines; the other lines.

    A line is ordinary if a path without commas is followed by nothing but boxes that have numbers in
    range. The first comma then parts the first box's first number, with all that is before it, from all
    other numbers.
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
    unsound = (np.abs(values[:, :4]) > FARTHEST_PX).any(1)
    unsound |= (classes < 0) | (classes != np.floor(classes)) | (classes >= MAX_CLASS)
    bad = np.unique(rows[unsound])
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


def _odd(lines: pl.DataFrame, file: str) -> tuple[pl.DataFrame, pl.DataFrame, list[Problem]]:
    """As `_ordinary`, for lines that are not, with what was rejected of them."""
    paths: list[tuple[int, str]] = []
    boxes: list[tuple[int, int, float, float, float, float]] = []
    problems: list[Problem] = []
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
    return (
        pl.DataFrame(paths, schema={"row": pl.UInt32, "image": pl.String}, orient="row"),
        pl.DataFrame(
            boxes,
            schema=_BOX_SCHEMA,
            orient="row",
        ),
        problems,
    )
