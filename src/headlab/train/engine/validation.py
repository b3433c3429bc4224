"""The validation after an epoch: its loss, and the average precision of the detections.

Boxes are compared in pixels of the input; `headlab evaluate` compares them in pixels of the photos, which
COCO's small, medium and large areas refer to.
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
from headlab.evaluate.scoring import Detections, Truths, coco_figures
from headlab.evaluate.settings import Settings
from headlab.families.yolov3.head import layout_of
from headlab.train.data.batch import Batch
from headlab.train.engine.fabric import gathered
from headlab.train.engine.totals import MeanLoss
from headlab.train.events import Terms
from headlab.yolov3.decode import decode
from headlab.yolov3.loss import yolo_loss
from headlab.yolov3.loss_options import LossOptions

SETTINGS = Settings()
"""What is detected is what `headlab evaluate` detects by default."""

SHOWN = ("AP", "AP50", "AP75")


@dataclass(frozen=True)
class Validation:
    """The results of a validation.

    Attributes:
        terms: the mean loss per photo.
        figures: COCO's AP, AP50 and AP75, and "AP50/CLASS" for each class; empty if not asked for.
        failed: photos that could not be read, and why.
    """

    terms: Terms
    figures: dict[str, float]
    failed: dict[str, str]


class _Validated(NamedTuple):
    """A validated photo: its truths (n, 5), its detections (M, 6) and their flat addresses (M,)."""

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
    """Validate a network in all processes together, each of which takes its own photos.

    Args:
        network: as Fabric set it up, in evaluation mode.
        loader: the validation photos.
        fabric: joins the processes.
        options: of the loss.
        description: of the model.
        figures: whether to compute average precision.
    """
    layout = layout_of(description)
    names = description.class_names
    suppression = Suppression(
        len(names), SETTINGS.conf, layout.detection.iou, SETTINGS.max_det, multi_label=True
    )
    loss = MeanLoss(names)
    failed: dict[str, str] = {}
    validated: dict[int, _Validated] = {}  # a photo that replaced an unreadable one counts once
    for batch in loader:
        on_device = batch.to(fabric.device, non_blocking=True)
        with torch.no_grad():
            outputs = network(on_device.images())
            loss.add(yolo_loss(outputs, on_device.targets, options), len(batch.indices))
        failed.update(batch.failed)
        if figures:
            validated.update(_validated(batch, decode(outputs, layout.levels), suppression))
    terms = loss.terms(fabric)
    assert terms is not None  # noqa: S101 - the loader is never empty
    if not figures:
        return Validation(terms, {}, failed)
    by_number = {
        number: photo for part in gathered(validated, fabric) for number, photo in part.items()
    }
    photos = [by_number[number] for number in sorted(by_number)]
    return Validation(terms, _figures(photos, names), failed)


def _validated(
    batch: Batch, candidates: Any, suppression: Suppression
) -> Iterator[tuple[int, _Validated]]:
    """The photos of a batch by their numbers."""
    height, width = batch.pixels.shape[2:]
    for number, boxes, of_image in zip(batch.indices, batch.boxes, candidates, strict=True):
        rows, flat = suppression(of_image)
        detections = rows.float().cpu().numpy()
        detections[:, :4] = detections[:, :4].clip(0, (width, height, width, height))
        yield number, _Validated((height, width), boxes.numpy(), detections, flat)


def _figures(photos: Sequence[_Validated], class_names: tuple[str, ...]) -> dict[str, float]:
    boxes, of_box = _stacked([photo.truths for photo in photos], 5)
    rows, of_row = _stacked([photo.rows for photo in photos], 6)
    truths = Truths(
        np.array([photo.input_hw_px for photo in photos], np.int64),
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
        np.concatenate([np.empty(0, np.int64), *(photo.flat for photo in photos)]),
    )
    scores = coco_figures(truths, detections, class_names, SETTINGS.counted)
    by_class = zip(class_names, scores.ap50.tolist(), strict=True)
    return {name: scores[name] for name in SHOWN} | {f"AP50/{name}": ap for name, ap in by_class}


def _stacked(parts: list[np.ndarray], columns: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows of all photos, and each row's photo."""
    rows = np.concatenate([np.empty((0, columns)), *parts]).astype(np.float64)
    photos = np.arange(len(parts), dtype=np.int64).repeat([len(part) for part in parts])
    return rows, photos
