"""`headlab trace`: which level, cell and stride each detection comes from."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headlab.cli.options import (
    FILE,
    beside_options,
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
from headlab.errors import InputError

if TYPE_CHECKING:
    from headlab.detect.settings import Settings
    from headlab.heads.layout import Layout
    from headlab.results.pictures.folder import PictureFolder
    from headlab.trace.trace import Skipped, Trace, TracedImage


@click.command
@click.argument("model", type=FILE)
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@click.option(
    "--classes",
    metavar="A,B",
    multiple=True,
    help="Detect these classes only: names or numbers.",
)
@beside_options
@detection_options
@output_options(pictures="annotated pictures and videos", rows="detections")
@click.option("--quiet", "-q", is_flag=True, help="Print the summary only, no table per image.")
def trace(
    model: Path,
    sources: tuple[str, ...],
    classes: tuple[str, ...],
    cfg: Path | None,
    names: Path | None,
    anchors: Path | None,
    save: Path | None,
    json: Path | None,
    csv: Path | None,
    parquet: Path | None,
    quiet: bool,
    **detection: Any,
) -> None:
    """Show which level, cell and stride each detection comes from.

    MODEL is a checkpoint that ultralytics saved (.pt), or a YOLOv3 model: darknet .weights, keras-yolo3
    .h5, or .safetensors; its .cfg, class names and anchors are found beside it, or named. SOURCE is an
    image, a video, a folder, or a pattern such as 'photos/*.jpg'. The detections of an ultralytics model
    are those of YOLO.predict with the same arguments.

    Columns: level P4/16 is the level and its stride in pixels; cell is row,column; box is x1,y1,x2,y2
    in pixels of the image; merged counts the candidates that NMS merged into the detection on each
    level, finest first; alone names the levels that alone would still find it; needs names the levels
    without which it is lost. For YOLOv3 also: slot is the anchor's number in the cell; box / anchor are
    their sizes in pixels of the network's input; by slot counts the merged candidates slot by slot.

    Exit code 1 says that a source was skipped because it could not be read.
    """
    from headlab.detect.sources import expand
    from headlab.model import load
    from headlab.trace.trace import trace_stream

    loaded = load(model, cfg=cfg, names=names, anchors=anchors)
    layout = loaded.layout
    wanted = split_names(classes)
    if classes and not wanted:
        raise InputError("--classes names no class.", "Write --classes bird,cat or --classes 14.")
    settings = detection_settings(
        classes=tuple(dict.fromkeys(map(layout.class_id, wanted))) if wanted else None, **detection
    ).for_head(layout)
    outputs = Outputs(json, csv, parquet)
    outputs.check(model)
    expanded = expand(sources)
    files = [source.path for source in expanded if source.path]
    stream = trace_stream(loaded.runnable, layout, expanded, settings)
    with ExitStack() as stack:
        folder = stack.enter_context(picture_folder(save, files, "trace", settings.vid_stride))
        shown = stack.enter_context(progress_shown(stream, files, settings.vid_stride))
        done = _run(shown, layout, settings, folder, tables=not (quiet or outputs.prints_json))
    _finish(done, outputs, folder, str(model))
    say_remarks(loaded)
    if done.skipped:
        raise click.exceptions.Exit(1)


def _run(
    stream: Iterable[TracedImage | Skipped],
    layout: Layout,
    settings: Settings,
    folder: PictureFolder | None,
    tables: bool,
) -> Trace:
    """Show and save each image as it comes; keep its detections only."""
    from headlab.results.tables import show
    from headlab.trace.picture import draw
    from headlab.trace.text import image_text
    from headlab.trace.trace import Skipped, collect, without_pixels

    images, skipped = [], []
    for each in stream:
        if isinstance(each, Skipped):
            skipped.append(each)
            continue
        if tables:
            show(*image_text(each, layout.level_names))
        if folder is not None:
            strides = layout.stride_by_level
            is_video = each.frame is not None
            picture = draw(
                each.image_bgr,
                each.detections,
                strides,
                each.input_hw_px,
                constant_size=is_video,
            )
            folder.add(each.path, each.frame, picture)
        images.append(without_pixels(each))
    return collect(layout, settings, images, skipped)


def _finish(done: Trace, outputs: Outputs, folder: PictureFolder | None, model: str) -> None:
    """Write the files, print the summary, and say on standard error what was skipped and saved."""
    from headlab.results.table_files import trace_document
    from headlab.results.tables import show
    from headlab.trace.text import summary_text

    outputs.write(done.detections, lambda: trace_document(done, model))
    if not outputs.prints_json:
        show(*summary_text(done))
    say_what_happened(done.skipped, folder)
