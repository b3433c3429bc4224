"""`headlab anchors`: fit anchors to boxes, check those in use, compare them class by class."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from headlab.cli.anchor_data import (
    assumed_size,
    box_table,
    data_options,
    input_size,
    shapes_at,
    shapes_in,
)
from headlab.cli.options import FILE
from headlab.cli.outputs import Outputs
from headlab.cli.terminal import say
from headlab.errors import InputError

Tracked = Callable[[Iterable[int]], Iterable[int]]


@click.group
def anchors() -> None:
    """Fit anchors to boxes, check those in use, compare classes.

    Anchors are widths and heights in pixels of the network's input. DATA are annotations: a text file of
    keras-yolo3, a YOLO data.yaml or folder, a folder of Pascal VOC, or a COCO JSON file.
    """


@anchors.command
@click.argument("data", type=FILE)
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
    help="Count every class alike, not every box.",
)
@click.option(
    "--levels", type=click.IntRange(1, 5), default=3, help="Levels of the head: 3, or 2 for tiny."
)
@click.option(
    "--assign",
    type=click.Choice(["even", "range", "split"]),
    default="even",
    help="Share anchors out among levels evenly, by the levels' strides, or by the boxes' sizes.",
)
@click.option("--restarts", type=click.IntRange(min=1), default=8, help="How many random starts.")
@click.option("--most", type=click.IntRange(min=1), default=15, help="Largest k that auto tries.")
@click.option(
    "-o",
    "--output",
    type=FILE,
    metavar="FILE",
    help="Write the anchors: .txt (keras-yolo3), .cfg (lines for darknet), .yaml or .json.",
)
@data_options
def fit(
    data: Path, k: str, output: Path | None, json: Path | None, csv: Path | None, plot: Path | None,
    **options: Any,
) -> None:  # fmt: skip
    """Fit anchors to the boxes of DATA, at the network's input.

    The same data and the same seed give the same anchors on every machine. Anchors are sorted by area; the
    masks say which level each serves.
    """
    from headlab.anchors.api import fit as fit_anchors
    from headlab.anchors.documents import fit_document, fit_rows
    from headlab.anchors.formats import caveats, text_for
    from headlab.anchors.text import fit_text

    outputs = _checked(json, csv, plot, output, data)
    if output is not None:
        _check_anchors_name(output)
    number = _number_of_anchors(k)
    shapes = shapes_at(data, options)
    with _tracked("fitting") as tracked:
        made = fit_anchors(
            shapes,
            number,
            objective=options["objective"],
            weights=options["weights"],
            seed=options["seed"],
            restarts=options["restarts"],
            levels=options["levels"],
            assign=options["assign"],
            most_k=options["most"],
            tracked=tracked,
        )
    outputs.write(fit_rows(made), lambda: fit_document(made))
    if output is not None:
        from headlab.files.atomic import write_bytes

        write_bytes(output, text_for(output, made).encode("utf-8"))
    if plot is not None:
        from headlab.anchors.plots import plot_fit

        plot_fit(plot, made, shapes)
    _show(outputs, fit_text(made))
    _say_written(output, csv, plot)
    for each in caveats(output, made) if output is not None else ():
        say(f"headlab: {each}", err=True)


@anchors.command
@click.argument("anchors_file", metavar="ANCHORS", type=FILE)
@click.argument("data", type=FILE)
@click.option(
    "--levels",
    type=click.IntRange(1, 5),
    help="Share the anchors out evenly among so many levels, whatever the file says.",
)
@data_options
def check(
    anchors_file: Path, data: Path, levels: int | None, json: Path | None, csv: Path | None,
    plot: Path | None, **options: Any,
) -> None:  # fmt: skip
    """Check ANCHORS against the boxes of DATA.

    ANCHORS is keras-yolo3's anchors.txt, a darknet .cfg, or a .yaml or .json of `headlab anchors fit`.
    Exit code 1 says that there is a problem to repair before training.
    """
    from headlab.anchors.api import check as check_anchors
    from headlab.anchors.documents import check_document, check_rows
    from headlab.anchors.text import check_text
    from headlab.heads.anchor_files import read_anchor_set

    outputs = _checked(json, csv, plot, None, data, anchors_file)
    used = read_anchor_set(anchors_file)
    table = box_table(data, options)
    size = input_size(options) or used.input_hw
    found = check_anchors(
        used,
        table,
        imgsz=size,
        resize=options["resize"],
        units=options["units"],
        assume_size=assumed_size(options),
        levels=levels,
        seed=options["seed"],
    )
    outputs.write(check_rows(found), lambda: check_document(found))
    if plot is not None:
        from headlab.anchors.plots import plot_check

        plot_check(plot, found, shapes_in(table, options, size))
    _show(outputs, check_text(found))
    _say_written(csv, plot)
    if not found.ok:
        raise click.exceptions.Exit(1)


@anchors.command("per-class")
@click.argument("data", type=FILE)
@click.option("-k", "k", type=click.IntRange(1, 128), default=9, help="How many anchors.")
@click.option("--levels", type=click.IntRange(1, 5), default=3, help="Levels of the head.")
@data_options
def per_class(
    data: Path, k: int, levels: int, json: Path | None, csv: Path | None, plot: Path | None,
    **options: Any,
) -> None:  # fmt: skip
    """Show what each class of DATA loses by sharing anchors.

    For every class: the mean IoU with the shared anchors, with as many fitted to that class alone, and with
    its part when the same number of anchors is shared out among the classes. The intervals (95 %) come from
    resampling photos; "unseen" is the gain on photos that were not used for the fit.
    """
    from headlab.anchors.class_loss import per_class_shapes
    from headlab.anchors.documents import per_class_document, per_class_rows
    from headlab.anchors.text import per_class_text

    outputs = _checked(json, csv, plot, None, data)
    shapes = shapes_at(data, options)
    with _tracked("fitting classes") as tracked:
        found = per_class_shapes(shapes, k, seed=options["seed"], levels=levels, tracked=tracked)
    outputs.write(per_class_rows(found), lambda: per_class_document(found))
    if plot is not None:
        from headlab.anchors.plots import plot_per_class

        plot_per_class(plot, found)
    _show(outputs, per_class_text(found))
    _say_written(csv, plot)


def _checked(
    json: Path | None, csv: Path | None, plot: Path | None, anchors: Path | None, *inputs: Path
) -> Outputs:
    """The outputs, after refusing those that would fail at the end, or destroy an input."""
    from headlab.files.atomic import check_is_not

    outputs = Outputs(json, csv, None)
    outputs.check(*inputs)
    if plot is not None:
        from headlab.results.plotting import check_suffix

        check_suffix(plot)
    named = [path for path in (json, csv, plot, anchors) if path is not None and path != Path("-")]
    if len({path.resolve() for path in named}) < len(named):
        raise InputError("Two outputs would go to the same file.", "Give each its own.")
    for path in named:
        for each in inputs:
            check_is_not(path, each)
    return outputs


def _check_anchors_name(path: Path) -> None:
    from headlab.anchors.formats import FORMATS

    if path.suffix.lower() not in FORMATS:
        raise InputError(
            f"{path}: anchors are not written under such a name.",
            f"Name a file that ends in {', '.join(FORMATS)}.",
        )


def _number_of_anchors(text: str) -> int | str:
    if text == "auto":
        return text
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"-k {text!r} is no number of anchors.", "Write -k 9, or -k auto.")
    return int(text)


@contextmanager
def _tracked(what: str) -> Iterator[Tracked]:
    """A progress bar on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        yield iter
        return
    from rich.progress import Progress

    from headlab.results.tables import console

    with Progress(console=console(stderr=True), transient=True) as bar:
        yield lambda items: bar.track(list(items), description=what)


def _show(outputs: Outputs, parts: Iterable[Any]) -> None:
    if not outputs.prints_json:
        from headlab.results.tables import show

        show(*parts)


def _say_written(*paths: Path | None) -> None:
    for path in paths:
        if path is not None:
            say(f"wrote {path}", err=True)
