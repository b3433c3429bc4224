"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from headlab.errors import InputError

if TYPE_CHECKING:
    from headlab.detect.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])

FILE = click.Path(path_type=Path, readable=False)
"""A path that the command itself checks, with headlab's messages."""


def detection_options(command: Command) -> Command:
    """Declare how to detect: what `detection_settings` takes, apart from the classes."""
    return _declared(
        command,
        click.option("--conf", type=float, default=0.25, help="Least score of a detection."),
        click.option(
            "--iou",
            type=float,
            help="Boxes that overlap more are merged by NMS; by default 0.7, for YOLOv3 0.45.",
        ),
        click.option(
            "--imgsz",
            metavar="N|H,W",
            help="Input size: 640, or height and width as 480,640. By default that of the model.",
        ),
        click.option("--agnostic-nms", is_flag=True, help="Merge boxes across classes, too."),
        click.option(
            "--multi-label",
            is_flag=True,
            help="YOLOv3 only: a candidate counts for every class above --conf, not for its best only.",
        ),
        click.option("--max-det", type=int, default=300, help="Most detections per image."),
        click.option("--device", help="Such as cpu or cuda:0; chosen by ultralytics by default."),
        click.option(
            "--end2end", is_flag=True, help="Use the branch without NMS, where the head has one."
        ),
        click.option("--vid-stride", type=int, default=1, help="Take every n-th frame of a video."),
    )


def beside_options(command: Command) -> Command:
    """Declare the files that say what YOLOv3 weights do not: `cfg`, `names` and `anchors`."""
    return _declared(
        command,
        click.option("--cfg", type=FILE, metavar="FILE", help="The network of darknet weights."),
        click.option("--names", type=FILE, metavar="FILE", help="The class names, one a line."),
        click.option("--anchors", type=FILE, metavar="FILE", help="The anchors of Keras weights."),
    )


def output_options(pictures: str, rows: str) -> Callable[[Command], Command]:
    """Declare where the results go: `save` for pictures; `json`, `csv` and `parquet` for the rest.

    Args:
        pictures: what is saved as pictures, for the help.
        rows: what a row of the tables is, for the help.
    """

    def declare(command: Command) -> Command:
        return _declared(
            command,
            click.option("--save", type=FILE, metavar="DIR", help=f"Save {pictures} here."),
            click.option(
                "--json",
                type=FILE,
                metavar="FILE",
                help="Write everything as JSON; - prints it instead of tables.",
            ),
            click.option("--csv", type=FILE, metavar="FILE", help=f"Write the {rows} as CSV."),
            click.option(
                "--parquet", type=FILE, metavar="FILE", help=f"Write the {rows} as Parquet."
            ),
        )

    return declare


def _declared(command: Command, *options: Callable[[Command], Command]) -> Command:
    """The command with the options, which the help lists in this order."""
    for option in reversed(options):
        command = option(command)
    return command


def parse_imgsz(text: str) -> tuple[int, int]:
    """Read "640" or "480,640" (height, width) as the input's height and width in pixels.

    Raises:
        InputError: it is neither.
    """
    parts = [part.strip() for part in text.replace("x", ",").split(",")]
    if not 1 <= len(parts) <= 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise InputError(
            f"--imgsz {text!r} is no image size.", "Write 640, or height and width as 480,640."
        )
    return int(parts[0]), int(parts[-1])


def split_names(texts: Sequence[str]) -> list[str]:
    """Class names or numbers from options that may be repeated, or hold several after commas."""
    return [name.strip() for text in texts for name in text.split(",") if name.strip()]


def detection_settings(*, imgsz: str | None, **others: Any) -> Settings:
    """Settings from the options of a command; see `headlab.detect.settings.Settings`.

    Raises:
        InputError: a value is out of range.
    """
    from headlab.detect.settings import Settings

    size = parse_imgsz(imgsz) if imgsz is not None else None
    return Settings(imgsz=size[0] if size and size[0] == size[1] else size, **others)
