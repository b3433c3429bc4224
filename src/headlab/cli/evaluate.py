"""`headlab evaluate`: COCO's figures, and what each level and slot contributes to them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headlab.cli.options import (
    FILE,
    companion_options,
    data_options,
    imgsz_option,
    model_argument,
    output_options,
    reading_options,
    refuse_with_run,
    resize_option,
    run_option,
    size_of,
    split_names,
)
from headlab.cli.outputs import Outputs, remark, say_remarks
from headlab.plain_text import counted

if TYPE_CHECKING:
    from headlab.evaluate.evaluation import Evaluation

_NAMED = 5


@click.command(short_help="Measure a model on annotated photos: AP by class and level.")
@model_argument
@click.argument("data", type=FILE, required=False)
@data_options
@companion_options
@click.option(
    "--conf",
    type=float,
    default=0.001,
    help="Confidence threshold: the least score of a detection.",
)
@click.option(
    "--iou",
    type=float,
    help="NMS threshold: boxes that overlap more are merged. By default 0.7, for YOLOv3 0.45.",
)
@imgsz_option
@resize_option
@click.option("--max-det", type=int, default=300, help="Most detections per photo.")
@click.option(
    "--best-class/--no-best-class",
    help="A candidate counts for its best class only, as in prediction.",
)
@click.option("--end2end/--no-end2end", help="Use the branch without NMS, where the head has one.")
@click.option(
    "--difficult/--no-difficult", help="Pascal VOC's difficult boxes count like any others."
)
@click.option(
    "--without",
    metavar="P4,P5/2",
    multiple=True,
    help="Leave out the candidates of these levels and slots. May be repeated.",
)
@run_option
@click.option("--device", help="Such as cpu or cuda:0. By default ultralytics chooses.")
@output_options(".json .csv .parquet .html .png .svg")
@click.option("--quiet", "-q", is_flag=True, help="Print no table of classes.")
def evaluate(
    model: Path,
    data: Path | None,
    cfg: Path | None,
    names: Path | None,
    anchors: Path | None,
    output: tuple[Path, ...],
    as_json: bool,
    without: tuple[str, ...],
    run: Path | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Measure a model on annotated photos: AP by class, level and slot.

    MODEL is a checkpoint that ultralytics saved (.pt), or a YOLOv3 model: darknet .weights, keras-yolo3
    .h5, or .safetensors; its .cfg, class names and anchors are found next to it, or named. DATA is a text
    file of keras-yolo3, a YOLO data.yaml, folder or list of photos, a folder of Pascal VOC, a COCO JSON file,
    or CSV. Classes are matched by name, or by number where DATA has no names.

    Columns: found counts the truths that a detection from there finds at IoU 0.5, recall is their share;
    AP and AP50 of a level or slot are those of its detections alone; lost is what would be missing
    without it, with NMS run again. The network runs once on each photo.

    With --run DIR, what the network makes of the photos is stored. MODEL may then be DIR, without DATA: the
    same figures again, or those of other settings, without the network.

    The exit code is 1 if photos or annotations were skipped because they could not be read.
    """
    from headlab.evaluate.evaluation import Evaluation
    from headlab.evaluate.text import evaluation_text
    from headlab.model import load
    from headlab.results.progress import progress_shown
    from headlab.run import load_run
    from headlab.runs.run import is_run

    outputs = Outputs.checked(
        Evaluation, output, as_json, model, *(path for path in [data] if path)
    )
    reading = reading_options(options)
    options["imgsz"] = size_of(options["imgsz"])
    options["without"] = split_names(without, "--without") or ()
    loaded = None
    with progress_shown("evaluating") as progress:
        if is_run(model):
            refuse_with_run(model, data, run, reading, cfg, names, anchors)
            done = load_run(model).evaluate(progress=progress, **options)
        else:
            if data is None:
                raise click.MissingParameter(param_hint="'DATA'", param_type="argument")
            loaded = load(model, cfg=cfg, names=names, anchors=anchors)
            done = loaded.evaluate(data, run=run, progress=progress, **reading, **options)
    outputs.deliver(done, evaluation_text(done, classes=not quiet))
    _say_what_happened(done)
    if loaded is not None:
        say_remarks(loaded)
    if done.skipped or done.problems:
        raise click.exceptions.Exit(1)


def _say_what_happened(done: Evaluation) -> None:
    """Say what one should know about the figures, and which photos and annotations were skipped."""
    for text in done.remarks:
        remark(text)
    for photo in done.skipped[:_NAMED]:
        remark(f"skipped {photo.path}: {photo.reason}")
    if len(done.skipped) > _NAMED:
        remark(f"skipped {counted(len(done.skipped) - _NAMED, 'more photo')}")
    if done.problems:
        first = done.problems[0]
        where = f"{first.where}: " if first.where else ""
        others = len(done.problems) - 1
        more = f", and {counted(others, 'more error')}" if others else ""
        remark(f"{where}{first.message}{more}")
        remark(f"headlab boxes check {done.data} shows what is wrong with the annotations")
