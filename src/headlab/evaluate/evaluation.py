"""Evaluate a detector on annotated photos."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl

from headlab.boxes.table import BoxTable, Problem
from headlab.errors import SourceError
from headlab.evaluate.breakdown import breakdown
from headlab.evaluate.classes import ClassMatch
from headlab.evaluate.matching import FOUND
from headlab.evaluate.photos import box_remarks
from headlab.evaluate.scoring import Detections, Figures, Truths, coco_figures
from headlab.evaluate.settings import Settings
from headlab.evaluate.stream import PhotoResult, Skipped, Task, photo_results
from headlab.heads.layout import Layout
from headlab.plain_text import counted
from headlab.results.progress import Progress, with_progress
from headlab.results.result import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import RenderableType

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
        model: the model's file.
        data: the annotations' file.
        progress: called after each photo.

    Raises:
        InputError: model and annotations have no class in common, there is nothing to be found, the
            device is not there, or the head does not have what a setting asks for.
        SourceError: no photo could be read.
    """
    task = Task.of(layout, table, settings)
    photos = len(task.photos)
    results = with_progress(photo_results(network, task), progress, lambda: photos)
    read, skipped = _separated(results)
    truths, detections = _all_truths(read), _all_detections(read)
    names = task.classes.names
    figures = coco_figures(truths, detections, names, task.settings.counted)
    by_class = np.bincount(truths.class_id[~truths.crowd], minlength=len(names))
    return Evaluation(
        layout=layout,
        settings=task.settings,
        classes=task.classes,
        figures=figures,
        rows=breakdown(read, task, figures, by_class),
        images=_image_table(read),
        skipped=tuple(skipped),
        problems=table.unread,
        remarks=(*_remarks(task, read), *box_remarks(table)),
        truths=truths,
        detections=detections,
        model=model,
        data=data,
    )


def _separated(
    results: Iterable[PhotoResult | Skipped],
) -> tuple[list[PhotoResult], list[Skipped]]:
    """The photos that could be read, and those that could not.

    Raises:
        SourceError: no photo could be read.
    """
    read: list[PhotoResult] = []
    skipped: list[Skipped] = []
    for result in results:
        if isinstance(result, Skipped):
            skipped.append(result)
        else:
            read.append(result)
    if not read:
        raise SourceError(
            f"None of the {len(skipped):,} annotated photos could be read: "
            + "; ".join(f"{photo.path}: {photo.reason}" for photo in skipped[:_NAMED])
            + ("; …" if len(skipped) > _NAMED else "."),
            "Name the folder with the photos with --images.",
        )
    return read, skipped


def _all_truths(results: Sequence[PhotoResult]) -> Truths:
    parts = [result.photo.truths for result in results]
    return Truths(
        np.array([result.size_hw_px for result in results], np.int64),
        np.repeat(np.arange(len(parts)), [len(part.class_id) for part in parts]),
        np.concatenate([part.boxes_xyxy_px for part in parts]),
        np.concatenate([part.class_id for part in parts]),
        np.concatenate([part.crowd for part in parts]),
    )


def _all_detections(results: Sequence[PhotoResult]) -> Detections:
    parts = [result.detections for result in results]
    return Detections(
        np.repeat(np.arange(len(parts)), [len(part.score) for part in parts]),
        np.concatenate([part.boxes_xyxy_px for part in parts]),
        np.concatenate([part.class_id for part in parts]),
        np.concatenate([part.score for part in parts]),
        np.concatenate([part.flat for part in parts]),
    )


def _image_table(results: Sequence[PhotoResult]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "image": result.photo.name,
                "width_px": result.size_hw_px[1],
                "height_px": result.size_hw_px[0],
                "input_width_px": result.input_hw_px[1],
                "input_height_px": result.input_hw_px[0],
                "truths": int((~result.photo.truths.crowd).sum()),
                "detections": len(result.fates.score),
                "true_positives": int((result.fates.fate[:, 0] == FOUND).sum()),
            }
            for result in results
        ]
    )


def _remarks(task: Task, results: Sequence[PhotoResult]) -> list[str]:
    remarks = task.classes.remarks()
    if task.rotated_by_exif:
        photos = counted(task.rotated_by_exif, "photo is", "photos are")
        remarks.append(f"{photos} rotated by Exif: read upright, and the boxes rotated as well")
    resized = [
        result.photo.name
        for result in results
        if result.photo.size_wh_px not in (None, result.size_hw_px[::-1])
    ]
    if resized:
        photos = counted(len(resized), "photo has", "photos have")
        remarks.append(
            f"{photos} another size than the annotations say, such as {resized[0]}; the boxes are taken "
            "as they are written"
        )
    if not results[0].has_nms:
        remarks.append(
            f"{task.layout.head} has no NMS: its best {task.settings.max_det} scores are its detections, "
            "and without a level the next best take their places"
        )
    return remarks
