"""Options of `headlab anchors` about its data, and the boxes that they lead to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from headlab.cli.box_data import FORMATS, parse_size
from headlab.cli.options import FILE, parse_imgsz
from headlab.cli.terminal import say

if TYPE_CHECKING:
    from headlab.boxes.shapes import Shapes
    from headlab.boxes.table import BoxTable

Command = TypeVar("Command", bound=Callable[..., Any])


def data_options(command: Command) -> Command:
    """Declare how boxes are brought to the network's input; `shapes_at` takes what they say."""
    for option in reversed(
        (
            click.option(
                "--imgsz", metavar="N|H,W", help="Size of the network's input: a side, or height and width "
                "as 320,608. By default 416; for check, what ANCHORS names.",
            ),
            click.option(
                "--resize", type=click.Choice(["letterbox", "stretch"]), default="letterbox",
                help="How photos are brought to that size.",
            ),
            click.option(
                "--units", type=click.Choice(["input", "original"]), default="input",
                help="original: stay in pixels of the photos, as keras-yolo3's kmeans.py does.",
            ),
            click.option(
                "--assume-size", metavar="W,H", help="Width and height of photos whose size is unknown."
            ),
            click.option("--format", type=FORMATS, help="Of DATA; recognised by default."),
            click.option("--images", type=FILE, metavar="DIR", help="The folder with the photos."),
            click.option(
                "--classes", type=FILE, metavar="FILE", help="Class names, one per line. By default those "
                "that DATA gives, or classes.txt beside it.",
            ),
            click.option("--split", metavar="NAME", help="Take only this split, such as train."),
            click.option("--encoding", metavar="NAME", help="Of keras-yolo3's text; recognised by default."),
            click.option("--seed", type=click.IntRange(min=0), default=0, help="Of the random starts."),
            click.option(
                "--json", type=FILE, metavar="FILE",
                help="Write everything as JSON; - prints it instead of tables.",
            ),
            click.option("--csv", type=FILE, metavar="FILE", help="Write the table as CSV."),
            click.option("--plot", type=FILE, metavar="FILE", help="Save a plot: .png or .svg."),
        )
    ):  # fmt: skip
        command = option(command)
    return command


def input_size(options: Mapping[str, Any]) -> tuple[int, int] | None:
    """Height and width that --imgsz gives; None without it.

    Raises:
        InputError: it is no size.
    """
    return parse_imgsz(options["imgsz"]) if options["imgsz"] is not None else None


def assumed_size(options: Mapping[str, Any]) -> tuple[int, int] | None:
    """Width and height that --assume-size gives; None without it.

    Raises:
        InputError: it is no size.
    """
    text = options["assume_size"]
    return parse_size(text) if text is not None else None


def box_table(data: Path, options: Mapping[str, Any]) -> BoxTable:
    """The annotations of a file.

    Raises:
        InputError: they cannot be read.
    """
    from headlab.boxes.reading import read

    table = read(
        data,
        format=options["format"],
        encoding=options["encoding"],
        images=options["images"],
        classes=options["classes"],
        split=options["split"],
        assume_size=assumed_size(options),
    )
    errors = [problem for problem in table.problems if problem.severity == "error"]
    if errors:
        first = errors[0]
        where = f"{first.where}: " if first.where else ""
        say(f"headlab: {where}{first.message}", err=True)
        more = f"{len(errors) - 1:,} more errors in {data}; " if len(errors) > 1 else ""
        say(f"headlab: {more}headlab boxes check {data} shows them all", err=True)
    return table


def shapes_in(table: BoxTable, options: Mapping[str, Any], size: tuple[int, int] | None) -> Shapes:
    """The boxes of a table at an input of a size; 416 if it is None.

    Raises:
        InputError: the size of a photo is unknown.
    """
    from headlab.anchors.api import INPUT_PX, as_shapes

    return as_shapes(
        table, size or INPUT_PX, options["resize"], options["units"], assumed_size(options)
    )


def shapes_at(data: Path, options: Mapping[str, Any]) -> Shapes:
    """The boxes of a file at the network's input.

    Raises:
        InputError: the data cannot be read, or the size of a photo is unknown.
    """
    return shapes_in(box_table(data, options), options, input_size(options))
