"""The annotations of a run's photos: the box table that it was made with, in two files and run.json."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from headlab.boxes.table import BOXES_SCHEMA, IMAGES_SCHEMA, BoxTable, Problem
from headlab.runs.parts import read_frame, write_frame
from headlab.runs.schema import PHOTOS, TRUTHS


def annotations_header(table: BoxTable, data: str) -> dict[str, Any]:
    """What run.json says of annotations.

    Args:
        table: upright, as the photos are read.
        data: the annotations' file.
    """
    return {
        "data": data,
        "format": table.format,
        "class_names": list(table.class_names),
        "problems": [asdict(problem) for problem in table.unread],
        "sha256": _fingerprint(table),
    }


def write_annotations(table: BoxTable, folder: Path) -> None:
    """Write the boxes and the list of photos.

    Raises:
        OutputError: they cannot be written.
    """
    write_frame(table.boxes, folder / TRUTHS)
    write_frame(table.images, folder / PHOTOS)


def read_annotations(folder: Path, data: Mapping[str, Any]) -> BoxTable:
    """The box table again; its problems are those that annotations were lost to.

    Raises:
        InputError: a file is missing or damaged.
    """
    return BoxTable(
        read_frame(folder / TRUTHS, BOXES_SCHEMA),
        read_frame(folder / PHOTOS, IMAGES_SCHEMA),
        tuple(data["class_names"]),
        tuple(Problem(**problem) for problem in data["problems"]),
        str(data["format"]),
    )


def _fingerprint(table: BoxTable) -> str:
    """A sha256 of boxes, photos and class names."""
    text = io.BytesIO()
    table.boxes.select(
        "image_id", "class_id", "x1", "y1", "x2", "y2", "difficult", "crowd"
    ).write_csv(text)
    table.images.select("image", "path").write_csv(text)
    text.write("\0".join(table.class_names).encode("utf-8", "surrogatepass"))
    return hashlib.sha256(text.getvalue()).hexdigest()
