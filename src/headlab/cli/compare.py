"""`headlab compare`: what changed between two models, detection by detection."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headlab.cli.options import (
    FILE,
    detection_options,
    detection_settings,
    output_options,
    split_names,
)
from headlab.cli.outputs import (
    Outputs,
    picture_folder,
    progress_shown,
    say_remarks,
    say_what_happened,
)

if TYPE_CHECKING:
    from headlab.comparison.compare import Comparison
    from headlab.detect.settings import Settings
    from headlab.detect.sources import Source
    from headlab.model import Model
    from headlab.results.pictures.folder import PictureFolder
    from headlab.trace.trace import Skipped, Trace, TracedImage

    Pair = tuple[TracedImage | Skipped, TracedImage | Skipped]


@click.command(short_help="Match the detections of two models, and show what changed.")
@click.argument("before", type=FILE)
@click.argument("after", type=FILE)
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@click.option(
    "--recipe",
    type=FILE,
    metavar="FILE",
    help="Recipe of shifts that made the second model; by default its manifest tells.",
)
@click.option(
    "--classes",
    metavar="A,B",
    multiple=True,
    help="Compare these classes of the first model only.",
)
@click.option(
    "--match-iou",
    type=float,
    default=0.5,
    help="Boxes that overlap less are different objects.",
)
@detection_options
@output_options(pictures="pictures of both models side by side", rows="pairs")
def compare(
    before: Path,
    after: Path,
    sources: tuple[str, ...],
    recipe: Path | None,
    classes: tuple[str, ...],
    match_iou: float,
    save: Path | None,
    json: Path | None,
    csv: Path | None,
    parquet: Path | None,
    **detection: Any,
) -> None:
    """Match the detections of two models by their boxes, and show what changed.

    BEFORE and AFTER are model files: .pt, .weights, .h5 or .safetensors. SOURCE is an image, a video, a
    folder, or a pattern such as 'photos/*.jpg'.

    If the second model was made by shifting the first one's class rows (headlab edit --shift), each class
    change is also read as evidence for a level, or for a level and anchor, and checked against what the
    detection's address states.

    Exit code 1 says that a source was skipped because it could not be read.
    """
    from headlab.comparison.compare import check_match_iou
    from headlab.comparison.compare import compare as compare_traces
    from headlab.detect.sources import expand
    from headlab.model import load, shifts_between

    check_match_iou(match_iou)
    first, second = load(before), load(after)
    outputs = Outputs(json, csv, parquet)
    outputs.check(before, after)
    settings = detection_settings(**detection)
    wanted = tuple(first.class_names[first.layout.class_id(each)] for each in split_names(classes))
    shifts = shifts_between(first, second, recipe)
    expanded = expand(sources)
    files = [source.path for source in expanded if source.path]
    with ExitStack() as stack:
        folder = stack.enter_context(picture_folder(save, files, "compare", settings.vid_stride))
        pairs = _both(first, second, expanded, settings)
        shown = stack.enter_context(progress_shown(pairs, files, settings.vid_stride))
        traces = _run(shown, first, second, settings, folder)
    done = compare_traces(*traces, shifts=shifts, classes=wanted or None, match_iou=match_iou)
    _finish(done, outputs, folder, (str(before), str(after)))
    say_remarks(first, second)
    if done.before.skipped:
        raise click.exceptions.Exit(1)


def _both(first: Model, second: Model, sources: list[Source], settings: Settings) -> Iterable[Pair]:
    """Trace each image with both models in turn, so that it is in memory once for both."""
    from headlab.trace.trace import trace_stream

    streams = [
        trace_stream(model.runnable, model.layout, sources, settings) for model in (first, second)
    ]
    return zip(*streams, strict=True)


def _run(
    pairs: Iterable[Pair],
    first: Model,
    second: Model,
    settings: Settings,
    folder: PictureFolder | None,
) -> tuple[Trace, Trace]:
    from headlab.comparison.picture import side_by_side
    from headlab.trace.trace import Skipped, collect, without_pixels

    strides = (first.layout.stride_by_level, second.layout.stride_by_level)
    titles = (f"before: {first.path.name}", f"after: {second.path.name}")
    sides: tuple[list[TracedImage], list[TracedImage]] = ([], [])
    skipped: list[Skipped] = []
    for one, other in pairs:
        if isinstance(one, Skipped):
            skipped.append(one)
            continue
        if isinstance(other, Skipped):
            skipped.append(other)
            continue
        if folder is not None:
            picture = side_by_side(
                one.image_bgr,
                one.detections,
                other.detections,
                strides,
                titles,
                constant_size=one.frame is not None,
            )
            folder.add(one.path, one.frame, picture)
        for side, image in zip(sides, (one, other), strict=True):
            side.append(without_pixels(image))
    return (
        collect(first.layout, settings, sides[0], skipped),
        collect(second.layout, settings, sides[1], skipped),
    )


def _finish(
    done: Comparison, outputs: Outputs, folder: PictureFolder | None, models: tuple[str, str]
) -> None:
    from headlab.comparison.text import comparison_text
    from headlab.results.table_files import comparison_document
    from headlab.results.tables import show

    outputs.write(done.pairs, lambda: comparison_document(done, *models))
    if not outputs.prints_json:
        show(*comparison_text(done))
    say_what_happened(done.before.skipped, folder)
