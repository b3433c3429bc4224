"""Evaluate a detector on annotated photos."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from headlab.boxes.table import BoxTable
from headlab.detect.detector import Runnable
from headlab.errors import SourceError
from headlab.evaluate.breakdown import breakdown
from headlab.evaluate.classes import ClassMatch
from headlab.evaluate.matching import FOUND
from headlab.evaluate.scoring import Detections, Figures, Truths, coco_figures
from headlab.evaluate.settings import EvaluationSettings
from headlab.evaluate.stream import PhotoResult, Skipped, Task, photo_results
from headlab.heads.layout import Layout

_SHOWN = 5


@dataclass(frozen=True)
class Evaluation:
    """How good a detector is on annotated photos.

    Attributes:
        layout: the head's description.
        settings: how it was evaluated, nothing left open.
        classes: which classes were.
        figures: COCO's.
        rows: them taken apart by class, level and slot (see `headlab.evaluate.breakdown.breakdown`).
        images: one row per photo: `image`, `width_px`, `height_px`, `input_width_px`,
            `input_height_px`, `truths`, `detections` that count, and `true_positives` at IoU 0.5.
        skipped: photos that could not be read; their truths do not count.
        remarks: what one should know of the figures, in sentences.
        truths: what was to be found.
        detections: what was found; with `truths` it gives the figures again.
    """

    layout: Layout
    settings: EvaluationSettings
    classes: ClassMatch
    figures: Figures
    rows: pl.DataFrame
    images: pl.DataFrame
    skipped: tuple[Skipped, ...]
    remarks: tuple[str, ...]
    truths: Truths
    detections: Detections

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


_IS_LEVEL = pl.col("place").is_not_null() & pl.col("slot").is_null()


def evaluate(
    network: Runnable, layout: Layout, table: BoxTable, settings: EvaluationSettings | None = None
) -> Evaluation:
    """Evaluate a network on annotated photos.

    Args:
        network: what `headlab.families.network.runnable` returned.
        layout: the head's description.
        table: the annotations, as `headlab.boxes.read` gives them.
        settings: how to evaluate; the defaults are those of COCO evaluations.

    Raises:
        InputError: model and annotations have no class in common, there is nothing to be found, the
            device is not there, or the head does not have what a setting asks for.
        SourceError: no photo could be read.
    """
    task = Task.of(layout, table, settings)
    return collect(task, photo_results(network, task))


def collect(task: Task, results: Iterable[PhotoResult | Skipped]) -> Evaluation:
    """Reckon the figures of all photos.

    Raises:
        SourceError: no photo could be read.
    """
    done: list[PhotoResult] = []
    skipped: list[Skipped] = []
    for each in results:
        if isinstance(each, Skipped):
            skipped.append(each)
        else:
            done.append(each)
    if not done:
        raise SourceError(
            f"None of the {len(skipped):,} annotated photos could be read: "
            + "; ".join(f"{each.path}: {each.reason}" for each in skipped[:_SHOWN])
            + ("; …" if len(skipped) > _SHOWN else "."),
            "Name the folder with the photos with --images.",
        )
    truths, detections = _all_truths(done), _all_detections(done)
    figures = coco_figures(truths, detections, task.classes.names, task.settings.counted)
    counted = np.bincount(truths.class_id[~truths.crowd], minlength=len(task.classes.names))
    return Evaluation(
        task.layout,
        task.settings,
        task.classes,
        figures,
        breakdown(done, task, figures, counted),
        _image_table(done),
        tuple(skipped),
        tuple(_remarks(task, done)),
        truths,
        detections,
    )


def _all_truths(done: list[PhotoResult]) -> Truths:
    each = [result.photo.truths for result in done]
    return Truths(
        np.array([result.size_hw_px for result in done], np.int64),
        np.repeat(np.arange(len(done)), [len(truths.class_id) for truths in each]),
        np.concatenate([truths.boxes_xyxy_px for truths in each]),
        np.concatenate([truths.class_id for truths in each]),
        np.concatenate([truths.crowd for truths in each]),
    )


def _all_detections(done: list[PhotoResult]) -> Detections:
    each = [result.found for result in done]
    return Detections(
        np.repeat(np.arange(len(done)), [len(found.score) for found in each]),
        np.concatenate([found.boxes_xyxy_px for found in each]),
        np.concatenate([found.class_id for found in each]),
        np.concatenate([found.score for found in each]),
        np.concatenate([found.flat for found in each]),
    )


def _image_table(done: list[PhotoResult]) -> pl.DataFrame:
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
            for result in done
        ]
    )


def _remarks(task: Task, done: list[PhotoResult]) -> list[str]:
    said = task.classes.remarks()
    if task.turned:
        said.append(
            f"{task.turned:,} {'photo is' if task.turned == 1 else 'photos are'} stored turned (Exif): read "
            "upright, and the boxes turned as well"
        )
    other = [each for each in done if each.photo.size_wh_px not in (None, each.size_hw_px[::-1])]
    if other:
        said.append(
            f"{len(other):,} {'photo is' if len(other) == 1 else 'photos are'} of another size than the "
            f"annotations say, such as {other[0].photo.name}; boxes are taken as they are written"
        )
    if not done[0].has_nms:
        said.append(
            f"{task.layout.head} has no NMS: its best {task.settings.max_det} scores are its detections, "
            "and without a level the next best take their places"
        )
    return said
