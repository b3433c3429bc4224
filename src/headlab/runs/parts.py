"""Write a run part by part, and read it part by part: memory stays that of one part."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from headlab.checkpoint.manifest import facts
from headlab.detect.candidates import Candidates
from headlab.detect.mapping import ToImage
from headlab.errors import InputError
from headlab.files.atomic import replacing
from headlab.files.folder import make_folder
from headlab.files.opening import opened
from headlab.heads.layout import Layout
from headlab.runs.schema import (
    CANDIDATES,
    CANDIDATES_SCHEMA,
    IMAGE_PARTS,
    IMAGES,
    IMAGES_SCHEMA,
    part_name,
    part_number,
)

_IMAGES_AT_ONCE = 256
_ROWS_AT_ONCE = 500_000
_BOX = ("box_0", "box_1", "box_2", "box_3")
_AGAIN = "Make the run again."


@dataclass(frozen=True)
class StoredImage:
    """An image of a run.

    Attributes:
        row: its row of images.parquet.
        candidates: what the network made of it; None if it could not be read.
    """

    row: dict[str, Any]
    candidates: Candidates | None

    @property
    def size_hw_px(self) -> tuple[int, int]:
        """Height and width."""
        return self.row["height_px"], self.row["width_px"]


@dataclass
class Writer:
    """Collects images and writes them in parts; what is not yet a whole part is lost when the process dies.

    Attributes:
        folder: the run's.
        layout: the head's description.
        images: how many are written already.
        parts: how many parts are.
    """

    folder: Path
    layout: Layout
    images: int = 0
    parts: int = 0
    _rows: list[dict[str, Any]] = field(default_factory=list)
    _candidates: list[pl.DataFrame] = field(default_factory=list)
    _waiting: int = 0

    def add(
        self,
        image: str,
        path: Path | None,
        frame: int | None,
        size_hw_px: tuple[int, int] | None,
        candidates: Candidates | None,
        skipped: str = "",
    ) -> None:
        """Add an image, or one that could not be read; writes a part when there is enough for one.

        Raises:
            OutputError: the part cannot be written; those before it stay.
        """
        number = self.images + len(self._rows)
        self._rows.append(
            {
                "image_id": number,
                "part": self.parts,
                "image": image,
                "path": None if path is None else str(path),
                "frame": frame,
                "skipped": skipped or None,
                "sha256": None if path is None or frame is not None else file_fingerprint(path),
                **_sizes(size_hw_px, candidates),
            }
        )
        if candidates is not None:
            frame_of = _frame(number, candidates, self.layout)
            self._candidates.append(frame_of)
            self._waiting += frame_of.height
        if len(self._rows) >= _IMAGES_AT_ONCE or self._waiting >= _ROWS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting as a part.

        Raises:
            OutputError: it cannot be written.
        """
        if not self._rows:
            return
        name = part_name(self.parts)
        candidates = pl.concat([CANDIDATES_SCHEMA.to_frame(), *self._candidates])
        write_frame(candidates, self.folder / CANDIDATES / name)
        images = pl.DataFrame(self._rows, schema=IMAGES_SCHEMA)
        write_frame(images, self.folder / IMAGE_PARTS / name)
        self.images += len(self._rows)
        self.parts += 1
        self._rows, self._candidates, self._waiting = [], [], 0

    def finish(self) -> None:
        """Write the last part, and all images as one file.

        Raises:
            OutputError: they cannot be written.
        """
        self.flush()
        write_frame(stored_images(self.folder), self.folder / IMAGES)
        shutil.rmtree(self.folder / IMAGE_PARTS, ignore_errors=True)


def started(folder: Path, layout: Layout) -> Writer:
    """A writer that goes on behind the parts that a run has.

    Raises:
        OutputError: a folder cannot be made.
        InputError: a part is damaged.
    """
    for inside in (CANDIDATES, IMAGE_PARTS):
        make_folder(folder / inside)
    images = stored_images(folder)
    parts = int(images["part"].max() or 0) + 1 if images.height else 0  # type: ignore[arg-type]
    for file in (folder / CANDIDATES).iterdir():
        number = part_number(file)
        if number is not None and number >= parts:  # its images were never written
            file.unlink()
    return Writer(folder, layout, images.height, parts)


def stored_images(folder: Path) -> pl.DataFrame:
    """The images that a run has, complete or not, in their order.

    Raises:
        InputError: a file is damaged.
    """
    if (folder / IMAGES).is_file():
        return read_frame(folder / IMAGES, IMAGES_SCHEMA)
    parts: list[pl.DataFrame] = []
    while (file := folder / IMAGE_PARTS / part_name(len(parts))).is_file():
        parts.append(read_frame(file, IMAGES_SCHEMA))
    return pl.concat([IMAGES_SCHEMA.to_frame(), *parts])


def stored(folder: Path, images: pl.DataFrame) -> Iterator[StoredImage]:
    """The images of a run with their candidates, in their order.

    Args:
        folder: the run's.
        images: rows of `stored_images`.

    Raises:
        InputError: a part is missing or damaged.
    """
    for (part,), rows in images.group_by("part", maintain_order=True):
        candidates = read_frame(folder / CANDIDATES / part_name(int(part)), CANDIDATES_SCHEMA)  # type: ignore[call-overload]
        columns = {name: candidates[name].to_numpy() for name in candidates.columns}
        boxes = np.stack([columns[name] for name in _BOX], axis=1)
        ids = columns["image_id"]
        for row in rows.iter_rows(named=True):
            if row["skipped"] is not None:
                yield StoredImage(row, None)
                continue
            first, last = (
                int(np.searchsorted(ids, row["image_id"], side)) for side in ("left", "right")
            )
            own = slice(first, last)
            yield StoredImage(
                row,
                Candidates(
                    columns["flat_index"][own].astype(np.int64),
                    columns["class_id"][own].astype(np.int64),
                    columns["score"][own],
                    boxes[own],
                    row["corners"],
                    (row["input_height_px"], row["input_width_px"]),
                    ToImage(
                        (row["scale_x"], row["scale_y"]),
                        (row["offset_x_px"], row["offset_y_px"]),
                        (row["height_px"], row["width_px"]),
                    ),
                ),
            )


def file_fingerprint(path: Path) -> str | None:
    """The sha256 of a file; None if it cannot be read."""
    try:
        with BufferedReader(opened(str(path))) as file:
            return facts(path.name, file).sha256
    except (OSError, ValueError):
        return None


def write_frame(frame: pl.DataFrame, path: Path) -> None:
    """Write a table as Parquet, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    with replacing(path) as file:
        frame.write_parquet(file, compression="zstd", statistics=True)


def read_frame(path: Path, schema: pl.Schema) -> pl.DataFrame:
    """Read a table of a run.

    Raises:
        InputError: it is missing or damaged, or has other columns.
    """
    try:
        frame = pl.read_parquet(path)
    except (OSError, PolarsError) as error:
        reason = "missing" if isinstance(error, FileNotFoundError) else "damaged or cut off"
        raise InputError(f"{path}: {reason}.", _AGAIN) from None
    try:
        return frame.select(schema.names()).cast(dict(schema))  # type: ignore[arg-type]
    except PolarsError:
        raise InputError(f"{path}: it has other columns than a run's.", _AGAIN) from None


def _sizes(size_hw_px: tuple[int, int] | None, candidates: Candidates | None) -> dict[str, Any]:
    if size_hw_px is None or candidates is None:
        return {}
    mapping = candidates.to_image
    return {
        "width_px": size_hw_px[1],
        "height_px": size_hw_px[0],
        "input_width_px": candidates.input_hw_px[1],
        "input_height_px": candidates.input_hw_px[0],
        "scale_x": mapping.scale_xy[0],
        "scale_y": mapping.scale_xy[1],
        "offset_x_px": float(mapping.offset_xy_px[0]),
        "offset_y_px": float(mapping.offset_xy_px[1]),
        "corners": candidates.corners,
    }


def _frame(number: int, candidates: Candidates, layout: Layout) -> pl.DataFrame:
    where = layout.addresses(*candidates.input_hw_px).address_all(candidates.flat)
    return pl.DataFrame(
        {
            "image_id": np.full(len(candidates.flat), number, np.uint32),
            "flat_index": candidates.flat.astype(np.uint32),
            "level": where.level.astype(np.uint8),
            "row": where.row.astype(np.uint16),
            "col": where.col.astype(np.uint16),
            "slot": where.slot.astype(np.uint8),
            "class_id": candidates.class_id.astype(np.uint16),
            "score": candidates.score,
            **{name: candidates.boxes_px[:, at] for at, name in enumerate(_BOX)},
        },
        schema=CANDIDATES_SCHEMA,
    )
