"""`headlab boxes`: check annotations, describe them, convert them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from headlab.cli.options import (
    FILE,
    FORMATS,
    data_argument,
    data_options,
    force_option,
    input_options,
    input_size,
    json_option,
    output_options,
    reading_options,
    show_all_option,
)
from headlab.cli.outputs import Outputs, remark


@click.group
def boxes() -> None:
    """Check annotations, describe them, convert them.

    DATA is a text file of keras-yolo3; a YOLO data.yaml, folder or list of photos; a folder of Pascal VOC;
    a COCO JSON file; or CSV.
    """


@boxes.command
@click.argument("data", type=FILE, nargs=-1, required=True)
@data_options
@click.option(
    "--photos/--no-photos", default=True, help="Look at the photos, or at the annotations only."
)
@click.option("--deep/--no-deep", help="Decode every photo, which finds those that are cut off.")
@show_all_option
@output_options(".json .csv .parquet .html")
def check(
    data: tuple[Path, ...], photos: bool, deep: bool, show_all: bool, output: tuple[Path, ...],
    as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """Find what is wrong with annotations, with file and line.

    Several files are taken together, each as a split: headlab boxes check train.txt val.txt finds photos
    that are in both.

    Exit code: 0 no errors (there may be warnings), 1 errors, 2 the input was wrong.
    """
    from headlab.boxes.checking.check import Findings
    from headlab.boxes.checking.check import check as check_boxes

    outputs = Outputs.checked(Findings, output, as_json, *data)
    findings = check_boxes(list(data), photos=photos, deep=deep, **reading_options(options))
    outputs.deliver(findings, findings.text(show_all=show_all))
    if not findings.ok:
        raise click.exceptions.Exit(1)


@boxes.command
@data_argument
@click.option(
    "--levels",
    type=click.IntRange(1, 5),
    help="Levels of the head, each of which takes boxes by their size: 3 (the default), or 2 for "
    "YOLOv3-tiny.",
)
@click.option(
    "--anchors",
    type=FILE,
    metavar="FILE",
    help="A box belongs to the level of its best anchor in this file instead.",
)
@input_options
@data_options
@show_all_option
@output_options(".json .csv .parquet .html .png .svg")
def stats(
    data: Path, levels: int | None, anchors: Path | None, show_all: bool, output: tuple[Path, ...],
    as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """Show how large boxes are, and on which levels.

    At the network's input; by class, by size (small, medium and large as in COCO) and by level. The level of
    a box follows from its side (the root of its area) and the levels' strides, or from its best anchor.
    """
    from headlab.boxes.size_stats.stats import SizeStats
    from headlab.boxes.size_stats.stats import stats as size_stats

    inputs = [data] if anchors is None else [data, anchors]
    outputs = Outputs.checked(SizeStats, output, as_json, *inputs)
    sizes = size_stats(
        data,
        imgsz=input_size(options),
        levels=levels,
        anchors=anchors,
        **reading_options(options),
    )
    outputs.deliver(sizes, sizes.text(show_all=show_all))


@boxes.command
@data_argument
@click.argument("target", metavar="OUT", type=FILE)
@click.option("--to", type=FORMATS, required=True, help="The format to write.")
@click.option(
    "--photos",
    type=click.Choice(["link", "copy", "none"]),
    default="link",
    help="How the folders of YOLO and VOC get the photos.",
)
@data_options
@force_option
@json_option
def convert(
    data: Path, target: Path, to: Any, photos: Any, force: bool, as_json: bool, **options: Any
) -> None:
    """Write annotations in another format.

    OUT is a folder, in which each split has its own file or folder; for keras it may be a .txt file and for
    coco a .json file, with all splits together. It appears whole or not at all. What was skipped, and what
    the format cannot express, is listed on standard error.

    Exit code: 0 done, 1 done but something was skipped, 2 the input was wrong.
    """
    from headlab.boxes.writing import convert as convert_boxes

    converted = convert_boxes(
        data, target, to, photos=photos, force=force, **reading_options(options)
    )
    for text in converted.remarks():
        remark(text)
    Outputs((), as_json).deliver(converted)
    if not converted.ok:
        raise click.exceptions.Exit(1)
