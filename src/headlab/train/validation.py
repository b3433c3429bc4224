"""The validation after an epoch: its loss, and the average precision of what would be detected.

Boxes are compared in pixels of the input, where the truths are as well; `headlab evaluate` compares them in
pixels of the photos, whose areas COCO's small, medium and large are about.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from headlab.detect.nms import Suppression
from headlab.detect.settings import ANCHORS_IOU
from headlab.evaluate.scoring import Detections, Truths, coco_figures
from headlab.heads.yolov3 import layout_of
from headlab.train.batch import Batch
from headlab.train.events import Terms
from headlab.train.terms import MeanTerms
from headlab.yolov3.decode import decode
from headlab.yolov3.loss import yolo_loss
from headlab.yolov3.loss_options import LossOptions

CONF = 0.001
"""Candidates that score less cannot change the average precision much, and there are very many."""

MAX_DET = 100
"""Per photo: as many as COCO counts of a class."""

SHOWN = ("AP", "AP50", "AP75")


@dataclass(frozen=True)
class Validation:
    """What a validation found.

    Attributes:
        terms: the mean loss of a photo's batch.
        figures: COCO's AP, AP50 and AP75, and "AP50/CLASS" of each class; empty if they were not asked for.
        failed: photos that could not be read, and why.
    """

    terms: Terms
    figures: dict[str, float]
    failed: dict[str, str]


@dataclass
class _Seen:
    """Truths and detections of the photos so far."""

    sizes: list[tuple[int, int]] = field(default_factory=list)
    truths: list[np.ndarray] = field(default_factory=list)
    rows: list[np.ndarray] = field(default_factory=list)
    flat: list[np.ndarray] = field(default_factory=list)


def validate(
    network: Any,
    loader: Iterable[Batch],
    fabric: Any,
    options: LossOptions,
    description: Any,
    *,
    figures: bool,
) -> Validation:
    """Validate a network; all processes together, each on its own photos.

    Args:
        network: as Fabric set it up, in evaluation mode.
        loader: the validation photos.
        fabric: what the processes are joined by.
        options: of the loss.
        description: of the model.
        figures: whether to reckon average precision.
    """
    levels = layout_of(description).levels
    names = description.class_names
    terms, seen = MeanTerms(names), _Seen()
    failed: dict[str, str] = {}
    for batch in loader:
        there = batch.to(fabric.device, non_blocking=True)
        with torch.no_grad():
            outputs = network(there.images())
            terms.add(yolo_loss(outputs, there.targets, options), len(batch.indices))
        failed.update(batch.failed)
        if figures:
            _see(seen, batch, decode(outputs, levels), len(names))
    mean = terms.mean(fabric)
    assert mean is not None  # noqa: S101 - the loader is never empty
    if not figures:
        return Validation(mean, {}, failed)
    return Validation(mean, _figures(_gathered(seen, fabric), names), failed)


def _see(seen: _Seen, batch: Batch, candidates: Any, class_count: int) -> None:
    suppression = Suppression(class_count, CONF, ANCHORS_IOU, MAX_DET, multi_label=True)
    for boxes, of_image in zip(batch.boxes, candidates, strict=True):
        rows, flat = suppression(of_image)
        height, width = batch.pixels.shape[2:]
        seen.sizes.append((height, width))
        seen.truths.append(boxes.numpy())
        seen.rows.append(rows.float().cpu().numpy())
        seen.flat.append(flat)


def _gathered(seen: _Seen, fabric: Any) -> _Seen:
    """What all processes have seen."""
    if fabric.world_size == 1:
        return seen
    every: list[Any] = [None] * fabric.world_size
    torch.distributed.all_gather_object(every, seen)
    return _Seen(
        *(
            [each for part in every for each in getattr(part, name)]
            for name in ("sizes", "truths", "rows", "flat")
        )
    )


def _figures(seen: _Seen, class_names: tuple[str, ...]) -> dict[str, float]:
    boxes, of_box = _stacked(seen.truths, 5)
    rows, of_row = _stacked(seen.rows, 6)
    truths = Truths(
        np.array(seen.sizes, np.int64),
        of_box,
        boxes[:, :4],
        boxes[:, 4].astype(np.int64),
        np.zeros(len(boxes), np.bool_),
    )
    detections = Detections(
        of_row,
        rows[:, :4],
        rows[:, 5].astype(np.int64),
        rows[:, 4],
        np.concatenate([np.empty(0, np.int64), *seen.flat]),
    )
    found = coco_figures(truths, detections, class_names, MAX_DET)
    by_class = zip(class_names, found.ap50.tolist(), strict=True)
    return {name: found[name] for name in SHOWN} | {f"AP50/{name}": ap for name, ap in by_class}


def _stacked(parts: list[np.ndarray], columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of all photos, and the photo of each."""
    rows = np.concatenate([np.empty((0, columns)), *parts]).astype(np.float64)
    photos = np.arange(len(parts), dtype=np.int64).repeat([len(each) for each in parts])
    return rows, photos
