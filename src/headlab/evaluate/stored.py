"""Evaluate with a run between the network and the figures, and evaluate runs that were made before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from headlab.boxes.table import BoxTable
from headlab.detect.detector import Runnable
from headlab.detect.sources import Source
from headlab.errors import InputError
from headlab.evaluate.evaluation import Evaluation, evaluation
from headlab.evaluate.settings import Settings
from headlab.evaluate.stream import PhotoCandidates, Skipped, Task
from headlab.heads.layout import Layout
from headlab.results.progress import Progress, with_progress
from headlab.runs.annotations import annotations_header
from headlab.runs.header import Header, names_fingerprint
from headlab.runs.record import record
from headlab.runs.run import StoredRun
from headlab.runs.schema import FLOOR

_NOT_THERE = "not in the run"


def evaluate_recorded(
    network: Runnable,
    layout: Layout,
    table: BoxTable,
    settings: Settings,
    folder: Path,
    *,
    model: str,
    fingerprint: str,
    data: str = "",
    without: Sequence[str] = (),
    progress: Progress | None = None,
) -> Evaluation:
    """Store a run of annotated photos, and evaluate it; a run that was stopped goes on.

    Args:
        network: what `headlab.families.network.runnable` returned.
        layout: the head's description.
        table: the annotations.
        settings: how to evaluate.
        folder: where the run goes.
        model: the model's file.
        fingerprint: of the model's tensors.
        data: the annotations' file.
        without: as of `evaluate_stored`.
        progress: called after each photo.

    Raises: as `headlab.evaluate.evaluation.evaluate` and `headlab.runs.record.record`.
    """
    task = Task.of(layout, table, settings, without=without)
    forward = task.settings.forward()
    header = Header(
        model=model,
        fingerprint=fingerprint,
        layout=layout,
        floor=min(task.settings.conf, FLOOR),
        forward={
            "imgsz": forward.imgsz,
            "end2end": forward.end2end,
            "vid_stride": 1,
            "resize": forward.resize,
        },
        sources=names_fingerprint(str(photo.path) for photo in task.photos),
        data={**annotations_header(task.table, data), "rotated_by_exif": task.rotated_by_exif},
    )
    record(
        network,
        [Source.of_file(photo.path) for photo in task.photos],
        forward,
        header,
        folder,
        unreadable={
            str(photo.path): reason for photo in task.photos if (reason := photo.unusable())
        },
        annotations=task.table,
        progress=progress,
    )
    return evaluate_stored(StoredRun.read(folder), settings, without=without)


def evaluate_stored(
    run: StoredRun,
    settings: Settings | None = None,
    *,
    without: Sequence[str] = (),
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate a run; the figures are those of evaluating its model again, to the last bit.

    Args:
        run: with annotations.
        settings: how to evaluate; what decides the forward pass must be as in the run, or left open.
        without: levels, such as "P5", and slots, such as "P5/2", whose candidates are left out.
        progress: called after each photo.

    Raises:
        InputError: the run has no annotations, does not hold what the settings ask for, or is damaged.
        UnknownName: there is no such level.
        SourceError: no photo could be read when the run was made.
    """
    settings = settings or Settings()
    _check(run, settings)
    table = run.annotations()
    data = run.header.data or {}
    rotated = int(data.get("rotated_by_exif", 0))
    task = Task.of(run.layout, table, settings, without=without, rotated_by_exif=rotated)
    photos = len(task.photos)
    return evaluation(
        task,
        with_progress(_photos(run, task), progress, lambda: photos),
        model=run.header.model,
        data=str(data.get("data", "")),
    )


def _check(run: StoredRun, settings: Settings) -> None:
    """Refuse settings that the run was not made with.

    Raises:
        InputError: it was made with others.
    """
    if settings.conf < run.header.floor:
        raise InputError(
            f"{run.folder}: the run holds candidates that score above {run.header.floor:g}; conf is "
            f"{settings.conf:g}.",
            "Make another run with that conf.",
        )
    forward = settings.forward()
    for name, asked in (("imgsz", forward.imgsz), ("end2end", forward.end2end)):
        made = run.header.forward.get(name)
        made = tuple(made) if isinstance(made, list) else made
        if asked not in (None, False) and asked != made:
            raise InputError(
                f"{run.folder}: the run was made with {name} {made}; {name} {asked} needs the network again.",
                "Make another run, or leave the setting out.",
            )


def _photos(run: StoredRun, task: Task) -> Iterator[PhotoCandidates | Skipped]:
    by_path = {str(photo.path): photo for photo in task.photos}
    for image in run:
        photo = by_path.pop(image.row["image"], None)
        if photo is None:
            continue
        if image.candidates is None:
            yield Skipped(photo.name, image.row["skipped"])
            continue
        yield PhotoCandidates(photo, image.size_hw_px, image.candidates)
    for photo in by_path.values():
        yield Skipped(photo.name, _NOT_THERE)
