"""The validation after an epoch: its loss, and the average precision of what would be detected.

Boxes are compared in pixels of the input, where the truths are as well; `headlab evaluate` compares them in
pixels of the photos, whose areas COCO's small, medium and large are about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from headlab.checkpoint.yolov3.description import Description
from headlab.detect.nms import Suppression
from headlab.detect.settings import ANCHORS_IOU
from headlab.evaluate.scoring import Detections, Truths, coco_figures
from headlab.evaluate.settings import EvaluationSettings
from headlab.families.yolov3.head import layout_of
from headlab.train.data.batch import Batch
from headlab.train.engine.fabric import gathered
from headlab.train.engine.terms import MeanTerms
from headlab.train.events import Terms
from headlab.yolov3.decode import decode
from headlab.yolov3.loss import yolo_loss
from headlab.yolov3.loss_options import LossOptions

SETTINGS = EvaluationSettings()
"""What is detected is what `headlab evaluate` detects by default."""

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


class _Seen(NamedTuple):
    """A photo that was validated: its truths (n, 5), its detections (M, 6) and their addresses (M,)."""

    input_hw_px: tuple[int, int]
    truths: NDArray[np.float32]
    rows: NDArray[np.float32]
    flat: NDArray[np.int64]


def validate(
    network: Any,
    loader: Iterable[Batch],
    fabric: Any,
    options: LossOptions,
    description: Description,
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
    suppression = Suppression(
        len(names), SETTINGS.conf, ANCHORS_IOU, SETTINGS.max_det, multi_label=True
    )
    terms = MeanTerms(names)
    failed: dict[str, str] = {}
    seen: dict[int, _Seen] = {}  # one that stands in for an unreadable photo counts once
    for batch in loader:
        there = batch.to(fabric.device, non_blocking=True)
        with torch.no_grad():
            outputs = network(there.images())
            terms.add(yolo_loss(outputs, there.targets, options), len(batch.indices))
        failed.update(batch.failed)
        if figures:
            seen.update(_seen(batch, decode(outputs, levels), suppression))
    mean = terms.mean(fabric)
    assert mean is not None  # noqa: S101 - the loader is never empty
    if not figures:
        return Validation(mean, {}, failed)
    every = {photo: it for part in gathered(seen, fabric) for photo, it in part.items()}
    return Validation(mean, _figures([every[at] for at in sorted(every)], names), failed)


def _seen(batch: Batch, candidates: Any, suppression: Suppression) -> Iterator[tuple[int, _Seen]]:
    """The photos of a batch by their numbers."""
    height, width = batch.pixels.shape[2:]
    for photo, boxes, of_image in zip(batch.indices, batch.boxes, candidates, strict=True):
        rows, flat = suppression(of_image)
        detections = rows.float().cpu().numpy()
        detections[:, :4] = detections[:, :4].clip(0, (width, height, width, height))
        yield photo, _Seen((height, width), boxes.numpy(), detections, flat)


def _figures(seen: Sequence[_Seen], class_names: tuple[str, ...]) -> dict[str, float]:
    boxes, of_box = _stacked([each.truths for each in seen], 5)
    rows, of_row = _stacked([each.rows for each in seen], 6)
    truths = Truths(
        np.array([each.input_hw_px for each in seen], np.int64),
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
        np.concatenate([np.empty(0, np.int64), *(each.flat for each in seen)]),
    )
    found = coco_figures(truths, detections, class_names, SETTINGS.counted)
    by_class = zip(class_names, found.ap50.tolist(), strict=True)
    return {name: found[name] for name in SHOWN} | {f"AP50/{name}": ap for name, ap in by_class}


def _stacked(parts: list[np.ndarray], columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of all photos, and the photo of each."""
    rows = np.concatenate([np.empty((0, columns)), *parts]).astype(np.float64)
    photos = np.arange(len(parts), dtype=np.int64).repeat([len(each) for each in parts])
    return rows, photos
