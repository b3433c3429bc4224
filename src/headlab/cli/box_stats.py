"""`headlab boxes stats`: how large boxes are, by class, by size and by level."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from headlab.cli.box_data import data_options, parse_size, read_data, skipped_while_reading
from headlab.cli.options import FILE, parse_imgsz
from headlab.cli.outputs import STANDARD_OUTPUT, Outputs
from headlab.cli.terminal import say
from headlab.errors import InputError


@click.command
@click.argument("data", type=FILE)
@click.option(
    "--imgsz",
    metavar="N|H,W",
    help="Size of the network's input: 416, or height and width as 320,608. "
    "By default what the file of --anchors names, else 416.",
)
@click.option(
    "--resize",
    type=click.Choice(["letterbox", "stretch"]),
    default="letterbox",
    help="How photos are brought to that size.",
)
@click.option(
    "--units",
    type=click.Choice(["input", "original"]),
    default="input",
    help="original: stay in pixels of the photos.",
)
@click.option(
    "--levels",
    type=click.IntRange(1, 5),
    help="Levels of the head, which take boxes by their size: 3 (the default), or 2 for tiny.",
)
@click.option(
    "--anchors",
    type=FILE,
    metavar="FILE",
    help="A box belongs to the level of its best anchor in this file instead.",
)
@data_options
@click.option("--all", "show_all", is_flag=True, help="Show every class, not the 20 most frequent.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--csv", type=FILE, metavar="FILE", help="Write the table of classes as CSV.")
@click.option("--plot", type=FILE, metavar="FILE", help="Save a plot: .png or .svg.")
def stats(
    data: Path, imgsz: str | None, resize: Any, units: Any, levels: int | None, anchors: Path | None,
    show_all: bool, as_json: bool, csv: Path | None, plot: Path | None, **options: Any,
) -> None:  # fmt: skip
    """Show how large boxes are, and their levels.

    At the network's input; by class, by size (small, medium and large as COCO counts) and by level. The
    level of a box follows from its side (the root of its area) and the levels' strides, or from its best
    anchor.
    """
    if levels is not None and anchors is not None:
        raise InputError("--anchors names the levels, --levels does too.", "Give one of them.")
    from headlab.anchors.api import INPUT_PX, as_shapes
    from headlab.boxes.stats.size_stats import size_stats
    from headlab.heads.anchor_files import read_anchor_set
    from headlab.heads.levels import levels_of

    outputs = _checked(csv, plot, data, *([anchors] if anchors is not None else []))
    used = read_anchor_set(anchors) if anchors is not None else None
    size = parse_imgsz(imgsz) if imgsz is not None else used and used.input_hw
    assumed = options["assume_size"]
    table = read_data((data,), **options)
    shapes = as_shapes(
        table, size or INPUT_PX, resize, units, parse_size(assumed) if assumed else None
    )
    made = size_stats(shapes, table.images.height, used or levels_of(levels or 3))
    _write(outputs, plot, made, shapes)
    unread = skipped_while_reading(table)
    if as_json:
        from headlab.boxes.stats.text import stats_document
        from headlab.files.json_text import to_json

        sys.stdout.write(to_json(stats_document(str(data), made, unread)))
    else:
        from headlab.boxes.stats.text import stats_text
        from headlab.results.tables import show

        show(*stats_text(str(data), made, unread, show_all=show_all))
    for path in (csv, plot):
        if path is not None:
            say(f"wrote {path}", err=True)


def _checked(csv: Path | None, plot: Path | None, *inputs: Path) -> Outputs:
    """The outputs, after refusing those that would fail at the end, or destroy an input."""
    from headlab.files.atomic import check_is_not

    if csv == STANDARD_OUTPUT:
        raise InputError("Only JSON goes to standard output.", "Use --json, or give --csv a file.")
    outputs = Outputs(None, csv, None)
    outputs.check(*inputs)
    if plot is not None:
        from headlab.results.plotting import check_suffix

        check_suffix(plot)
        for each in inputs:
            check_is_not(plot, each)
        if csv is not None and plot.resolve() == csv.resolve():
            raise InputError("Two outputs would go to the same file.", "Give each its own.")
    return outputs


def _write(outputs: Outputs, plot: Path | None, made: Any, shapes: Any) -> None:
    if outputs.csv is not None:
        from headlab.boxes.stats.text import stats_rows

        outputs.write(stats_rows(made), dict)
    if plot is not None:
        from headlab.boxes.stats.plot import plot_stats

        plot_stats(plot, made, shapes)
