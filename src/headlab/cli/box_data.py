"""Options of `headlab boxes` about how DATA is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from headlab.cli.options import FILE
from headlab.errors import InputError

if TYPE_CHECKING:
    from headlab.boxes.table import BoxTable, Problem

Command = TypeVar("Command", bound=Callable[..., Any])

FORMATS = click.Choice(["keras", "yolo", "voc", "coco"])


def data_options(command: Command) -> Command:
    """Declare how DATA is read; `read_data` takes what they say."""
    for option in reversed(
        (
            click.option("--format", type=FORMATS, help="Of DATA; recognised by default."),
            click.option(
                "--classes",
                type=FILE,
                metavar="FILE",
                help="Class names, one per line. By default those that DATA gives, or classes.txt beside it.",
            ),
            click.option("--images", type=FILE, metavar="DIR", help="The folder with the photos."),
            click.option(
                "--assume-size",
                metavar="W,H",
                help="Width and height in pixels of photos that are missing, such as 640,480.",
            ),
            click.option(
                "--split",
                metavar="NAME",
                help="Read only this split, such as train, of YOLO and VOC.",
            ),
            click.option(
                "--encoding", metavar="NAME", help="Of keras-yolo3's text; recognised by default."
            ),
        )
    ):
        command = option(command)
    return command


def read_data(
    data: tuple[Path, ...], *, assume_size: str | None, images: Path | None, **options: Any
) -> BoxTable:
    """The box table of what the command was given; `options` are those of `data_options`.

    Raises:
        InputError: it cannot be read.
    """
    from headlab.boxes.reading import read

    size = parse_size(assume_size) if assume_size is not None else None
    return read(list(data), assume_size=size, images=images, **options)


def skipped_while_reading(table: BoxTable) -> list[Problem]:
    """What could not be read of the annotations; that a photo is not there loses none of them."""
    from headlab.boxes.photos.sizes import CORRUPT, MISSING

    return [
        each
        for each in table.problems
        if each.severity == "error" and each.kind not in (MISSING, CORRUPT)
    ]


def parse_size(text: str) -> tuple[int, int]:
    """Read "640,480" or "640x480" as width and height in pixels.

    Raises:
        InputError: it is neither.
    """
    parts = [part.strip() for part in text.lower().replace("x", ",").split(",")]
    if len(parts) != 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise InputError(
            f"--assume-size {text!r} is no image size.", "Write width and height, as 640,480."
        )
    return int(parts[0]), int(parts[1])
