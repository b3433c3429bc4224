"""`headlab evaluate`: COCO's figures, and what each level and slot contributes to them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headlab.cli.box_data import data_options, read_data, skipped_while_reading
from headlab.cli.options import FILE, beside_options, parse_imgsz
from headlab.cli.outputs import Outputs, say_remarks
from headlab.cli.terminal import say
from headlab.errors import InputError
from headlab.plain_text import counted

if TYPE_CHECKING:
    from headlab.boxes.table import BoxTable
    from headlab.evaluate.api import Evaluation
    from headlab.evaluate.settings import EvaluationSettings
    from headlab.evaluate.stream import PhotoResult, Skipped, Task

_SHOWN = 5
_WITHOUT_SPLITS = ("keras", "coco")


@click.command
@click.argument("weights", type=FILE)
@click.argument("data", type=FILE)
@data_options
@beside_options
@click.option("--conf", type=float, default=0.001, help="Least score of a detection.")
@click.option(
    "--iou",
    type=float,
    help="Boxes that overlap more are merged by NMS; by default 0.7, for YOLOv3 0.45.",
)
@click.option(
    "--imgsz",
    metavar="N|H,W",
    help="Input size: 640, or height and width as 480,640. By default that of the model.",
)
@click.option("--max-det", type=int, default=300, help="Most detections per photo.")
@click.option(
    "--best-class",
    is_flag=True,
    help="A candidate counts for its best class only, as in prediction.",
)
@click.option("--end2end", is_flag=True, help="Use the branch without NMS, where the head has one.")
@click.option(
    "--difficult", is_flag=True, help="Pascal VOC's difficult boxes are to be found, too."
)
@click.option("--device", help="Such as cpu or cuda:0; chosen by ultralytics by default.")
@click.option(
    "--json",
    type=FILE,
    metavar="FILE",
    help="Write everything as JSON; - prints it instead of tables.",
)
@click.option("--csv", type=FILE, metavar="FILE", help="Write the rows as CSV.")
@click.option("--parquet", type=FILE, metavar="FILE", help="Write the rows as Parquet.")
@click.option("--quiet", "-q", is_flag=True, help="Print no table of classes.")
def evaluate(
    weights: Path,
    data: Path,
    cfg: Path | None,
    names: Path | None,
    anchors: Path | None,
    json: Path | None,
    csv: Path | None,
    parquet: Path | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Measure a model on annotated photos: AP by class, level and slot.

    WEIGHTS is a checkpoint that ultralytics saved (.pt), or a YOLOv3 model: darknet .weights, keras-yolo3
    .h5, or .safetensors; its .cfg, class names and anchors are found beside it, or named. DATA is a text
    file of keras-yolo3, a YOLO data.yaml, folder or list of photos, a folder of Pascal VOC, or a COCO JSON
    file. Classes are matched by name, or by number where DATA has no names.

    Columns: found counts the truths that a detection from there finds at IoU 0.5, recall is their share;
    AP and AP50 of a level or slot are those of its detections alone; lost is what would be missing
    without it, NMS done again. The network runs once on each photo.

    Exit code 1 says that photos or annotations were skipped because they could not be read.
    """
    from headlab.evaluate.api import collect
    from headlab.evaluate.stream import Task, photo_results
    from headlab.model import load

    settings = _settings(options)
    outputs = Outputs(json, csv, parquet)
    outputs.check(weights, data)
    loaded = load(weights, cfg=cfg, names=names, anchors=anchors)
    table = read_data((data,), **options)
    _check_split(table, options["split"], data)
    task = Task.of(loaded.layout, table, settings)
    with _progress_shown(photo_results(loaded.runnable, task), task) as results:
        done = collect(task, results)
    _show(done, outputs, str(weights), str(data), classes=not quiet)
    say_remarks(loaded)
    if _say_what_was_skipped(done, table, data):
        raise click.exceptions.Exit(1)


def _check_split(table: BoxTable, split: str | None, data: Path) -> None:
    """Refuse a split of annotations without any, of which all would be evaluated.

    Raises:
        InputError: that was asked for.
    """
    if split is not None and table.format in _WITHOUT_SPLITS:
        raise InputError(
            f"{data}: these annotations have no splits, so that there is none named {split!r}.",
            "Leave out --split, or name the annotations of these photos alone.",
        )


def _settings(options: dict[str, Any]) -> EvaluationSettings:
    """Take the settings out of the command's options; what is left says how DATA is read.

    Raises:
        InputError: a value is out of range.
    """
    from headlab.evaluate.settings import EvaluationSettings

    imgsz = options.pop("imgsz")
    taken = ("conf", "iou", "max_det", "best_class", "end2end", "difficult", "device")
    size = parse_imgsz(imgsz) if imgsz is not None else None
    return EvaluationSettings(imgsz=size, **{name: options.pop(name) for name in taken})


@contextmanager
def _progress_shown(
    results: Iterator[PhotoResult | Skipped], task: Task
) -> Iterator[Iterable[PhotoResult | Skipped]]:
    """Show a progress bar on standard error, on a terminal."""
    if not sys.stderr.isatty():
        yield results
        return
    from headlab.results.progress import progress

    with progress(results, len(task.photos), "evaluating") as shown:
        yield shown


def _show(done: Evaluation, outputs: Outputs, weights: str, data: str, *, classes: bool) -> None:
    """Write the files and print the tables; what one should know of them goes to standard error."""
    from headlab.evaluate.document import evaluation_document
    from headlab.evaluate.text import evaluation_text
    from headlab.results.tables import show

    outputs.write(done.rows, lambda: evaluation_document(done, weights, data))
    if not outputs.prints_json:
        show(*evaluation_text(done, classes=classes))
    for remark in done.remarks:
        say(f"headlab: {remark}", err=True)


def _say_what_was_skipped(done: Evaluation, table: BoxTable, data: Path) -> bool:
    """Say on standard error which photos and annotations were skipped; whether any were."""
    for each in done.skipped[:_SHOWN]:
        say(f"headlab: skipped {each.path}: {each.reason}", err=True)
    if len(done.skipped) > _SHOWN:
        say(f"headlab: skipped {counted(len(done.skipped) - _SHOWN, 'more photo')}", err=True)
    lost = skipped_while_reading(table)
    if lost:
        where = f"{lost[0].where}: " if lost[0].where else ""
        more = f" and {len(lost) - 1:,} more errors" if len(lost) > 1 else ""
        say(f"headlab: {where}{lost[0].message}{more}", err=True)
        say(
            f"headlab: headlab boxes check {data} shows what is wrong with the annotations",
            err=True,
        )
    return bool(done.skipped or lost)
