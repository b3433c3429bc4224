"""`headlab anchors`: fit anchors to boxes, check those in use, compare them class by class."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from headlab.cli.options import (
    FILE,
    data_argument,
    data_options,
    input_options,
    input_size,
    output_options,
    reading_options,
    seed_option,
)
from headlab.cli.outputs import Outputs, remark
from headlab.errors import InputError

_TABLE_AND_PLOT = ".json .csv .parquet .html .png .svg"


@click.group
def anchors() -> None:
    """Fit anchors to boxes, check those in use, compare classes.

    Anchors are widths and heights in pixels of the network's input. DATA are annotations: a text file of
    keras-yolo3; a YOLO data.yaml, folder or list of photos; a folder of Pascal VOC; a COCO JSON file; or
    CSV.
    """


@anchors.command
@data_argument
@click.option("-k", "k", metavar="N|auto", default="9", help="How many anchors; auto chooses.")
@click.option(
    "--objective",
    type=click.Choice(["iou", "recall"]),
    default="iou",
    help="Mean best IoU, or the share of boxes with an IoU of at least 0.5.",
)
@click.option(
    "--weights",
    type=click.Choice(["class-balanced"]),
    help="Count every class alike. By default every box counts alike.",
)
@click.option(
    "--levels",
    type=click.IntRange(1, 5),
    default=3,
    help="Levels of the head: 3, or 2 for YOLOv3-tiny.",
)
@click.option(
    "--assign",
    type=click.Choice(["even", "range", "split"]),
    default="even",
    help="Share anchors out among levels evenly, by the levels' strides, or by the sizes of the boxes.",
)
@click.option(
    "--restarts",
    type=click.IntRange(min=1),
    default=8,
    help="How many random starts to search from.",
)
@click.option("--most", type=click.IntRange(min=1), default=15, help="Largest k that auto tries.")
@seed_option
@input_options
@data_options
@output_options(f".txt (keras-yolo3) .cfg (lines for darknet) .yaml {_TABLE_AND_PLOT}")
def fit(
    data: Path, k: str, most: int, output: tuple[Path, ...], as_json: bool, **options: Any
) -> None:
    """Fit anchors to the boxes of DATA, at the network's input.

    The same data and the same seed give the same anchors on every machine. Anchors are sorted by area; the
    masks say which level each serves.
    """
    from headlab.anchors.fitting.fit import AnchorFit
    from headlab.anchors.fitting.fit import fit as fit_anchors
    from headlab.results.progress import progress_shown

    outputs = Outputs.checked(AnchorFit, output, as_json, data)
    number = _number_of_anchors(k)
    imgsz = input_size(options)
    reading = reading_options(options)
    with progress_shown("fitting") as progress:
        fitted = fit_anchors(
            data, number, imgsz=imgsz, most_k=most, progress=progress, **reading, **options
        )
    outputs.deliver(fitted)
    for path in output:
        for caveat in fitted.caveats(path):
            remark(caveat)


@anchors.command
@click.argument("anchors_file", metavar="ANCHORS", type=FILE)
@data_argument
@click.option(
    "--levels",
    type=click.IntRange(1, 5),
    help="Share the anchors out evenly among this many levels, whatever the file says.",
)
@seed_option
@input_options
@data_options
@output_options(_TABLE_AND_PLOT)
def check(
    anchors_file: Path, data: Path, levels: int | None, seed: int, output: tuple[Path, ...],
    as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """Check ANCHORS against the boxes of DATA.

    ANCHORS is keras-yolo3's anchors.txt, a darknet .cfg, or a .yaml or .json of headlab anchors fit.

    Exit code: 0 there is no problem (there may be warnings), 1 there is a problem to fix before training,
    2 the input was wrong.
    """
    from headlab.anchors.checking.check import AnchorCheck
    from headlab.anchors.checking.check import check as check_anchors

    outputs = Outputs.checked(AnchorCheck, output, as_json, data, anchors_file)
    imgsz = input_size(options)
    checked = check_anchors(
        anchors_file, data, imgsz=imgsz, levels=levels, seed=seed, **reading_options(options)
    )
    outputs.deliver(checked)
    if not checked.ok:
        raise click.exceptions.Exit(1)


@anchors.command("per-class")
@data_argument
@click.option("-k", "k", type=click.IntRange(1, 128), default=9, help="How many anchors.")
@click.option("--levels", type=click.IntRange(1, 5), default=3, help="Levels of the head.")
@seed_option
@input_options
@data_options
@output_options(_TABLE_AND_PLOT)
def per_class(
    data: Path,
    k: int,
    levels: int,
    seed: int,
    output: tuple[Path, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Show what each class of DATA loses by sharing anchors.

    For every class: the mean IoU with the shared anchors, with as many fitted to that class alone, and with
    its part when the same number of anchors is divided among the classes. The intervals (95 %) come from
    resampling photos; "unseen" is the gain on photos that were not used for the fit.
    """
    from headlab.anchors.classes.per_class import AnchorsPerClass
    from headlab.anchors.classes.per_class import per_class as compare_classes
    from headlab.results.progress import progress_shown

    outputs = Outputs.checked(AnchorsPerClass, output, as_json, data)
    imgsz = input_size(options)
    reading = reading_options(options)
    with progress_shown("fitting classes") as progress:
        view = compare_classes(
            data, k, imgsz=imgsz, levels=levels, seed=seed, progress=progress, **reading
        )
    outputs.deliver(view)


def _number_of_anchors(text: str) -> int | Literal["auto"]:
    if text == "auto":
        return "auto"
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"-k {text!r} is not a number of anchors.", "Write -k 9, or -k auto.")
    return int(text)
