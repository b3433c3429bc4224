"""`headlab trace`: which level, cell and stride each detection comes from."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headlab.cli.options import (
    classes_option,
    companion_options,
    detection_options,
    detection_settings,
    model_argument,
    output_options,
    pictures_option,
    quiet_option,
    sources_argument,
    split_names,
)
from headlab.cli.outputs import Outputs, picture_folder, remark, say_remarks, say_what_happened

if TYPE_CHECKING:
    from headlab.trace.image import TracedImage


@click.command
@model_argument
@sources_argument
@classes_option
@companion_options
@detection_options
@output_options(".json .csv .parquet .html .png")
@pictures_option("each image and video with its detections")
@quiet_option
def trace(
    model: Path,
    sources: tuple[str, ...],
    classes: tuple[str, ...],
    cfg: Path | None,
    names: Path | None,
    anchors: Path | None,
    output: tuple[Path, ...],
    as_json: bool,
    save: Path | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Show which level, cell and stride each detection comes from.

    MODEL is a checkpoint that ultralytics saved (.pt), or a YOLOv3 model: darknet .weights, keras-yolo3
    .h5, or .safetensors; its .cfg, class names and anchors are found next to it, or named. SOURCE is an
    image, a video, a folder, or a pattern such as 'photos/*.jpg'. The detections of an ultralytics model
    are those of YOLO.predict with the same arguments.

    Columns: level P4/16 is the level and its stride in pixels; cell is row,column; box is x1,y1,x2,y2
    in pixels of the image; merged counts the candidates that NMS merged into the detection on each
    level, finest first; alone names the levels that alone would still find it; needs names the levels
    without which it is lost. For YOLOv3 also: slot is the anchor's number in the cell; w x h / anchor are
    the sizes of the box and of its anchor in pixels of the network's input; by slot counts the merged
    candidates slot by slot.

    The exit code is 1 if a source was skipped because it could not be read.
    """
    from headlab.model import load
    from headlab.results.progress import progress_shown
    from headlab.results.tables import show
    from headlab.trace.text import summary_text
    from headlab.trace.trace import Trace

    loaded = load(model, cfg=cfg, names=names, anchors=anchors)
    settings = detection_settings(options)
    with ExitStack() as stack:
        images = loaded.trace(
            sources,
            classes=split_names(classes),
            stream=True,
            progress=stack.enter_context(progress_shown("tracing")),
            **settings,
        )
        outputs = Outputs.checked(Trace, output, as_json, model, *images.paths)
        for text in images.remarks:
            remark(text)
        folder = stack.enter_context(
            picture_folder(save, images.paths, "trace", images.settings.vid_stride)
        )

        def show_and_save(image: TracedImage) -> None:
            if not (quiet or as_json):
                show(*image.text())
            if folder is not None:
                folder.add(image.path, image.frame, image.draw())

        done = images.collect(show_and_save)
    outputs.deliver(done, summary_text(done))
    say_what_happened(done.skipped, folder)
    say_remarks(loaded)
    if done.skipped:
        raise click.exceptions.Exit(1)
