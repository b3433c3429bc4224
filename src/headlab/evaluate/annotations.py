"""Read the annotations that a model is evaluated on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from headlab.boxes.reading import read
from headlab.errors import InputError

if TYPE_CHECKING:
    from headlab.boxes.formats.format import FormatName
    from headlab.boxes.table import BoxTable

_WITHOUT_SPLITS = ("keras", "coco")


def read_annotations(
    path: str | Path,
    *,
    format: FormatName | None = None,  # noqa: A002 - as `headlab.boxes.read` calls it
    images: str | Path | None = None,
    names: Sequence[str] | str | Path | None = None,
    split: str | None = None,
    encoding: str | None = None,
    assume_size: tuple[int, int] | None = None,
) -> BoxTable:
    """Read annotations; the arguments are those of `headlab.boxes.read`.

    Raises:
        InputError: they cannot be read, or a split was asked for and they have none, so that all of them
            would be evaluated.
    """
    table = read(
        path,
        format=format,
        images=images,
        names=names,
        split=split,
        encoding=encoding,
        assume_size=assume_size,
    )
    one_csv_file = table.format == "csv" and not Path(path).is_dir()
    if split is not None and (table.format in _WITHOUT_SPLITS or one_csv_file):
        raise InputError(
            f"{path}: these annotations have no splits, so that there is none named {split!r}.",
            "Leave out the split, or name a file with the annotations of these photos only.",
        )
    return table
