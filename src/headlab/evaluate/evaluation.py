"""Evaluate a detector on annotated photos."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl

from headlab.boxes.problems import one_of_each_kind
from headlab.boxes.table import BoxTable, Problem
from headlab.errors import SourceError
from headlab.evaluate.breakdown import breakdown
from headlab.evaluate.classes import ClassMatch
from headlab.evaluate.matching import FOUND
from headlab.evaluate.photos import box_remarks
from headlab.evaluate.scoring import Detections, Figures, Truths, coco_figures
from headlab.evaluate.settings import Settings
from headlab.evaluate.stream import (
    Judged,
    PhotoCandidates,
    Skipped,
    Task,
    judged,
    photo_candidates,
)
from headlab.heads.layout import Layout
from headlab.plain_text import counted
from headlab.results.progress import Progress, with_progress
from headlab.results.result import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import RenderableType

_AT_ONCE = 64
"""Photos are judged so many at a time: enough to be fast, few enough to be small."""

_NAMED = 5
"""An error names no more skipped photos than this."""


@dataclass(frozen=True, repr=False, eq=False)
class Evaluation(Result):
    """How good a detector is on annotated photos.

    Attributes:
        layout: the head's description.
        settings: how it was evaluated, nothing left open.
        classes: which classes were evaluated.
        figures: COCO's.
        rows: the same by class, level and slot (see `headlab.evaluate.breakdown.breakdown`).
        images: one row per photo: `image`, `width_px`, `height_px`, `input_width_px`,
            `input_height_px`, `truths`, `detections` that count, and `true_positives` at IoU 0.5.
        skipped: photos that could not be read; their truths do not count.
        problems: annotations that could not be read.
        remarks: what one should know about the figures, in sentences.
        truths: what was to be found.
        detections: what was found; the figures can be computed from it and `truths` again.
        model: the model's file.
        data: the annotations' file; empty if they were given as a table.
    """

    layout: Layout
    settings: Settings
    classes: ClassMatch
    figures: Figures
    rows: pl.DataFrame
    images: pl.DataFrame
    skipped: tuple[Skipped, ...]
    problems: tuple[Problem, ...]
    remarks: tuple[str, ...]
    truths: Truths
    detections: Detections
    model: str = ""
    data: str = ""

    title: ClassVar[str] = "evaluation"
    plot_suffixes: ClassVar[tuple[str, ...]] = (".png", ".svg")

    @property
    def table(self) -> pl.DataFrame:
        """The figures by class, level and slot."""
        return self.rows

    @property
    def summary(self) -> str:
        """AP and AP50, and on how many photos."""
        photos = counted(self.images.height, "photo")
        return f"AP {self.figures['AP']:.3f}, AP50 {self.figures['AP50']:.3f} on {photos}"

    @property
    def by_class(self) -> pl.DataFrame:
        """The rows of single classes, all places together."""
        return self.rows.filter(pl.col("class_id").is_not_null() & pl.col("place").is_null())

    @property
    def by_level(self) -> pl.DataFrame:
        """The rows of levels, all classes together."""
        return self.rows.filter(_IS_LEVEL & pl.col("class_id").is_null())

    @property
    def by_slot(self) -> pl.DataFrame:
        """The rows of slots, all classes together; none where cells have one slot."""
        return self.rows.filter(pl.col("slot").is_not_null() & pl.col("class_id").is_null())

    @property
    def by_class_and_level(self) -> pl.DataFrame:
        """The rows of single classes and levels."""
        return self.rows.filter(_IS_LEVEL & pl.col("class_id").is_not_null())

    @property
    def recall(self) -> float:
        """The share of the truths that a detection finds at IoU 0.5."""
        return float(self.rows["recall"][0])

    def plot(self) -> Figure:
        """AP50 by class, the levels that the classes were found by, and what each level contributes."""
        from headlab.evaluate.plot import evaluation_figure

        return evaluation_figure(self)

    def to_dict(self) -> dict[str, Any]:
        """Everything as one JSON document; docs/evaluating.md describes its keys."""
        return {
            "model": self.model,
            "data": self.data or None,
            "head": self.layout.head,
            "task": self.layout.task,
            "settings": asdict(self.settings),
            "figures": {
                name: None if np.isnan(value) else value
                for name, value in self.figures.values.items()
            },
            "recall_50": self.recall,
            "rows": self.rows.to_dicts(),
            "images": self.images.to_dicts(),
            "not_evaluated": {
                "unknown_to_the_model": self.classes.unknown,
                "unknown_to_the_annotations": list(self.classes.absent),
            },
            "remarks": list(self.remarks),
            "skipped": [asdict(photo) for photo in self.skipped],
            "problems": [asdict(problem) for problem in self.problems],
        }

    def text(self) -> Iterable[RenderableType]:
        """COCO's figures, then by class, by level and by slot."""
        from headlab.evaluate.text import evaluation_text

        return evaluation_text(self)

    def html(self) -> str:
        """The same tables for a notebook."""
        from headlab.evaluate.html import evaluation_html

        return evaluation_html(self)


_IS_LEVEL = pl.col("place").is_not_null() & pl.col("slot").is_null()


def evaluate(
    network: Any,
    layout: Layout,
    table: BoxTable,
    settings: Settings | None = None,
    *,
    without: Sequence[str] = (),
    model: str = "",
    data: str = "",
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate a network on annotated photos; `Model.evaluate` does it for a model.

    Args:
        network: what `headlab.families.network.runnable` returned.
        layout: the head's description.
        table: the annotations, as `headlab.boxes.read` gives them.
        settings: how to evaluate; the defaults are those of COCO evaluations.
        without: levels, such as "P5", and slots, such as "P5/2", whose candidates are left out.
        model: the model's file.
        data: the annotations' file.
        progress: called after each photo.

    Raises:
        InputError: model and annotations have no class in common, there is nothing to be found, the
            device is not there, or the head does not have what a setting asks for.
        SourceError: no photo could be read.
    """
    task = Task.of(layout, table, settings, without=without)
    photos = len(task.photos)
    results = with_progress(photo_candidates(network, task), progress, lambda: photos)
    return evaluation(task, results, table.unread, model=model, data=data)


def evaluation(
    task: Task,
    photos: Iterable[PhotoCandidates | Skipped],
    problems: tuple[Problem, ...] = (),
    *,
    model: str = "",
    data: str = "",
) -> Evaluation:
    """Evaluate what a network made of photos.

    Args:
        task: what to evaluate.
        photos: the candidates of each, or that it could not be read.
        problems: annotations that could not be read.
        model: the model's file.
        data: the annotations' file.

    Raises:
        SourceError: no photo could be read.
    """
    read, skipped = _judged(photos, task)
    truths, detections = _all_truths(read), _all_detections(read)
    names = task.classes.names
    figures = coco_figures(truths, detections, names, task.settings.counted)
    by_class = np.bincount(truths.class_id[~truths.crowd], minlength=len(names))
    return Evaluation(
        layout=task.layout,
        settings=task.settings,
        classes=task.classes,
        figures=figures,
        rows=breakdown(read, task, figures, by_class),
        images=_image_table(read),
        skipped=tuple(skipped),
        problems=problems,
        remarks=(
            *_remarks(task, read),
            *box_remarks(task.table),
            *map(_message, one_of_each_kind(task.table.put_right)),
        ),
        truths=truths,
        detections=detections,
        model=model,
        data=data,
    )


def _message(problem: Problem) -> str:
    return problem.message.removesuffix(".")


def _judged(
    results: Iterable[PhotoCandidates | Skipped], task: Task
) -> tuple[list[Judged], list[Skipped]]:
    """The photos that could be read, some at a time, and those that could not.

    Raises:
        SourceError: no photo could be read.
    """
    read: list[Judged] = []
    skipped: list[Skipped] = []
    waiting: list[PhotoCandidates] = []
    for result in results:
        if isinstance(result, Skipped):
            skipped.append(result)
            continue
        waiting.append(result)
        if len(waiting) == _AT_ONCE:
            read.append(judged(waiting, task))
            waiting = []
    if waiting:
        read.append(judged(waiting, task))
    if not read:
        raise SourceError(
            f"None of the {len(skipped):,} annotated photos could be read: "
            + "; ".join(f"{photo.path}: {photo.reason}" for photo in skipped[:_NAMED])
            + ("; …" if len(skipped) > _NAMED else "."),
            "Name the folder with the photos with --images.",
        )
    return read, skipped


def _all_truths(parts: Sequence[Judged]) -> Truths:
    return Truths(
        np.concatenate([part.truths.image_hw for part in parts]),
        np.concatenate(
            [part.truths.image + first for part, first in zip(parts, _firsts(parts), strict=True)]
        ),
        np.concatenate([part.truths.boxes_xyxy_px for part in parts]),
        np.concatenate([part.truths.class_id for part in parts]),
        np.concatenate([part.truths.crowd for part in parts]),
    )


def _all_detections(parts: Sequence[Judged]) -> Detections:
    return Detections.joined(
        [
            replace(part.detections, image=part.detections.image + first)
            for part, first in zip(parts, _firsts(parts), strict=True)
        ]
    )


def _firsts(parts: Sequence[Judged]) -> Iterable[int]:
    """The number of each part's first photo."""
    return accumulate((len(part.photos) for part in parts[:-1]), initial=0)


def _image_table(parts: Sequence[Judged]) -> pl.DataFrame:
    return pl.concat([_images_of(part) for part in parts])


def _images_of(part: Judged) -> pl.DataFrame:
    count = len(part.photos)
    found = part.whole.fate[:, 0] == FOUND
    sizes, inputs = (np.array([photo[at] for photo in part.photos]) for at in (1, 2))
    truths = part.truths.image[~part.truths.crowd]
    return pl.DataFrame(
        {
            "image": [photo.name for photo, _, _ in part.photos],
            "width_px": sizes[:, 1],
            "height_px": sizes[:, 0],
            "input_width_px": inputs[:, 1],
            "input_height_px": inputs[:, 0],
            "truths": np.bincount(truths, minlength=count),
            "detections": np.bincount(part.whole.image, minlength=count),
            "true_positives": np.bincount(part.whole.image[found], minlength=count),
        }
    )


def _remarks(task: Task, parts: Sequence[Judged]) -> list[str]:
    remarks = task.classes.remarks()
    if task.rotated_by_exif:
        photos = counted(task.rotated_by_exif, "photo is", "photos are")
        remarks.append(f"{photos} rotated by Exif: read upright, and the boxes rotated as well")
    resized = [
        photo.name
        for part in parts
        for photo, size_hw_px, _ in part.photos
        if photo.size_wh_px not in (None, size_hw_px[::-1])
    ]
    if resized:
        photos = counted(len(resized), "photo has", "photos have")
        remarks.append(
            f"{photos} another size than the annotations say, such as {resized[0]}; the boxes are taken "
            "as they are written"
        )
    if not parts[0].has_nms:
        remarks.append(
            f"{task.layout.head} has no NMS: its best {task.settings.max_det} scores are its detections, "
            "and without a level the next best take their places"
        )
    return remarks
