"""`headlab trace`: which level, cell and stride each detection comes from."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headlab.errors import InputError

if TYPE_CHECKING:
    from headlab.cli.outputs import Outputs
    from headlab.detect.settings import Settings
    from headlab.heads.layout import Layout
    from headlab.report.saving import PictureFolder
    from headlab.trace.trace import Skipped, Trace, TracedImage


def trace(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A checkpoint that ultralytics saved (.pt).")
    ],
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE", help="Images, videos, folders, or patterns such as 'photos/*.jpg'."
        ),
    ],
    classes: Annotated[
        list[str] | None,
        typer.Option(help="Detect these classes only: names or numbers.", metavar="A,B"),
    ] = None,
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
        Path | None, typer.Option(help="Save annotated pictures and videos here.", metavar="DIR")
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(
            help="Write everything as JSON; - prints it instead of tables.", metavar="FILE"
        ),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Write the detections as CSV.", metavar="FILE")
    ] = None,
    parquet: Annotated[
        Path | None, typer.Option(help="Write the detections as Parquet.", metavar="FILE")
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print the summary only, no table per image.")
    ] = False,
) -> None:
    """Show which level, cell and stride each detection comes from.

    The detections are those of YOLO.predict with the same arguments.

    Columns: level P4/16 is the level and its stride in pixels; cell is row,column; box is x1,y1,x2,y2
    in pixels of the image; merged counts the candidates that NMS merged into the detection on each
    level, finest first; alone names the levels that alone would still find it; needs names the levels
    without which it is lost.

    Exit code 1 says that a source was skipped because it could not be read.
    """
    from headlab.cli.options import detection_settings, split_names
    from headlab.cli.outputs import Outputs, progress_shown
    from headlab.detect.sources import expand
    from headlab.model import load
    from headlab.trace.trace import trace_stream

    loaded = load(model)
    layout = loaded.layout
    wanted = split_names(classes or [])
    if classes and not wanted:
        raise InputError("--classes names no class.", "Write --classes bird,cat or --classes 14.")
    settings = detection_settings(
        conf=conf,
        iou=iou,
        imgsz=imgsz,
        classes=tuple(dict.fromkeys(map(layout.class_id, wanted))) if wanted else None,
        max_det=max_det,
        end2end=end2end,
        device=device,
        vid_stride=vid_stride,
    )
    outputs = Outputs(json, csv, parquet)
    outputs.check(model)
    files = expand(sources)
    stream = trace_stream(loaded.network, layout, files, settings)
    with ExitStack() as stack:
        folder = _opened_folder(save, files, settings, stack)
        shown = stack.enter_context(progress_shown(stream, files, vid_stride))
        done = _run(shown, layout, settings, folder, tables=not (quiet or outputs.prints_json))
    _finish(done, outputs, folder, str(model))
    if done.skipped:
        raise typer.Exit(1)


def _run(
    stream: Iterable[TracedImage | Skipped],
    layout: Layout,
    settings: Settings,
    folder: PictureFolder | None,
    tables: bool,
) -> Trace:
    """Show and save each image as it comes; keep its detections only."""
    from headlab.report.picture import draw
    from headlab.report.tables import show
    from headlab.report.trace_text import image_text
    from headlab.trace.trace import Skipped, collect, without_pixels

    images, skipped = [], []
    for each in stream:
        if isinstance(each, Skipped):
            skipped.append(each)
            continue
        if tables:
            show(*image_text(each, layout.level_names))
        if folder is not None:
            picture = draw(each.image_bgr, each.detections, layout.stride_by_level)
            folder.add(each.path, each.frame, picture)
        images.append(without_pixels(each))
    return collect(layout, settings, images, skipped)


def _opened_folder(
    save: Path | None, files: list[Path], settings: Settings, stack: ExitStack
) -> PictureFolder | None:
    if save is None:
        return None
    from headlab.report.saving import PictureFolder

    return stack.enter_context(PictureFolder(save, files, "trace", settings.vid_stride))


def _finish(done: Trace, outputs: Outputs, folder: PictureFolder | None, model: str) -> None:
    """Write the files, print the summary, and say on standard error what was skipped and saved."""
    from headlab.report.files import trace_document
    from headlab.report.tables import show
    from headlab.report.trace_text import summary_text

    outputs.write(done.detections, lambda: trace_document(done, model))
    if not outputs.prints_json:
        show(*summary_text(done))
    for each in done.skipped:
        typer.echo(f"headlab: skipped {each.path}: {each.reason}", err=True)
    for each_line in folder.told() if folder is not None else ():
        typer.echo(f"headlab: {each_line}", err=True)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("trace")(trace)
