"""`headlab compare`: what changed between two models, detection by detection."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from headlab.cli.outputs import Outputs
    from headlab.detect.settings import Settings
    from headlab.model import Model
    from headlab.report.saving import PictureFolder
    from headlab.trace.compare import Comparison
    from headlab.trace.trace import Skipped, Trace, TracedImage

    Pair = tuple[TracedImage | Skipped, TracedImage | Skipped]


def compare(
    before: Annotated[
        Path, typer.Argument(metavar="BEFORE", help="The first model (.pt).", show_default=False)
    ],
    after: Annotated[
        Path, typer.Argument(metavar="AFTER", help="The second model (.pt).", show_default=False)
    ],
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE", help="Images, videos, folders, or patterns such as 'photos/*.jpg'."
        ),
    ],
    recipe: Annotated[
        Path | None,
        typer.Option(
            help="Recipe of shifts that made the second model; by default its manifest tells.",
            metavar="FILE",
        ),
    ] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option(help="Compare these classes of the first model only.", metavar="A,B"),
    ] = None,
    match_iou: Annotated[
        float, typer.Option(min=0, max=1, help="Boxes that overlap less are different objects.")
    ] = 0.5,
    conf: Annotated[float, typer.Option(help="Least score of a detection.")] = 0.25,
    iou: Annotated[float, typer.Option(help="Boxes that overlap more are merged by NMS.")] = 0.7,
    imgsz: Annotated[
        str | None,
        typer.Option(
            help="Input size: 640, or height and width as 480,640. By default that of the training.",
            metavar="N|H,W",
        ),
    ] = None,
    max_det: Annotated[int, typer.Option(help="Most detections per image.")] = 300,
    device: Annotated[
        str | None, typer.Option(help="Such as cpu or cuda:0; chosen by ultralytics by default.")
    ] = None,
    end2end: Annotated[
        bool, typer.Option("--end2end", help="Use the branch without NMS, where the head has one.")
    ] = False,
    vid_stride: Annotated[int, typer.Option(help="Take every n-th frame of a video.")] = 1,
    save: Annotated[
        Path | None,
        typer.Option(help="Save pictures of both models side by side here.", metavar="DIR"),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(
            help="Write everything as JSON; - prints it instead of tables.", metavar="FILE"
        ),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Write the pairs as CSV.", metavar="FILE")
    ] = None,
    parquet: Annotated[
        Path | None, typer.Option(help="Write the pairs as Parquet.", metavar="FILE")
    ] = None,
) -> None:
    """Match the detections of two models by their boxes, and show what changed.

    If the second model was made by shifting the first one's class rows (headlab edit --shift), each class
    change is also read as evidence for a level, and checked against the level that the detection's
    address states.

    Exit code 1 says that a source was skipped because it could not be read.
    """
    from headlab.cli.options import detection_settings, split_names
    from headlab.cli.outputs import Outputs, progress_shown
    from headlab.detect.sources import expand
    from headlab.model import load, shifts_between

    first, second = load(before), load(after)
    outputs = Outputs(json, csv, parquet)
    outputs.check(before, after)
    settings = detection_settings(
        conf=conf,
        iou=iou,
        imgsz=imgsz,
        max_det=max_det,
        end2end=end2end,
        device=device,
        vid_stride=vid_stride,
    )
    wanted = tuple(
        first.class_names[first.layout.class_id(each)] for each in split_names(classes or [])
    )
    shifts = shifts_between(first, second, recipe)
    files = expand(sources)
    with ExitStack() as stack:
        folder = _opened_folder(save, files, settings, stack)
        pairs = _both(first, second, files, settings)
        shown = stack.enter_context(progress_shown(pairs, files, vid_stride))
        traces = _run(shown, first, second, settings, folder)
    from headlab.trace.compare import compare as compare_traces

    done = compare_traces(*traces, shifts=shifts, classes=wanted or None, match_iou=match_iou)
    _finish(done, outputs, folder, (str(before), str(after)))
    if done.before.skipped:
        raise typer.Exit(1)


def _both(first: Model, second: Model, files: list[Path], settings: Settings) -> Iterable[Pair]:
    """Trace each image with both models in turn, so that it is in memory once for both."""
    from headlab.trace.trace import trace_stream

    streams = [
        trace_stream(model.network, model.layout, files, settings) for model in (first, second)
    ]
    return zip(*streams, strict=True)


def _opened_folder(
    save: Path | None, files: list[Path], settings: Settings, stack: ExitStack
) -> PictureFolder | None:
    if save is None:
        return None
    from headlab.report.saving import PictureFolder

    return stack.enter_context(PictureFolder(save, files, "compare", settings.vid_stride))


def _run(
    pairs: Iterable[Pair],
    first: Model,
    second: Model,
    settings: Settings,
    folder: PictureFolder | None,
) -> tuple[Trace, Trace]:
    from headlab.report.comparison import side_by_side
    from headlab.trace.trace import Skipped, collect, without_pixels

    strides = (first.layout.stride_by_level, second.layout.stride_by_level)
    titles = (f"before: {first.path.name}", f"after: {second.path.name}")
    sides: tuple[list[TracedImage], list[TracedImage]] = ([], [])
    skipped: list[Skipped] = []
    for one, other in pairs:
        if isinstance(one, Skipped) or isinstance(other, Skipped):
            skipped += [one] if isinstance(one, Skipped) else []
            continue
        if folder is not None:
            picture = side_by_side(one.image_bgr, one.detections, other.detections, strides, titles)
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
    from headlab.report.comparison import comparison_text
    from headlab.report.files import comparison_document
    from headlab.report.tables import show

    outputs.write(done.pairs, lambda: comparison_document(done, *models))
    if not outputs.prints_json:
        show(*comparison_text(done))
    for each in done.before.skipped:
        typer.echo(f"headlab: skipped {each.path}: {each.reason}", err=True)
    for each_line in folder.told() if folder is not None else ():
        typer.echo(f"headlab: {each_line}", err=True)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("compare")(compare)
