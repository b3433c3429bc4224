"""The validation after an epoch: its loss, and the average precision of the detections.

The loss is that of the input, as in the training. Average precision is what `headlab evaluate` measures on
the same photos with its defaults: detections and truths in pixels of the photos, crowds and Pascal VOC's
difficult boxes neither right nor wrong.

Invariant: both give the same figures (tests/train/engine/test_validation.py).
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
from headlab.evaluate.photos import PhotoTruths
from headlab.evaluate.scoring import Detections, Truths, coco_figures
from headlab.evaluate.settings import Settings
from headlab.families.yolov3.head import layout_of
from headlab.train.data.batch import Batch
from headlab.train.data.photos import Photos
from headlab.train.engine.fabric import gathered
from headlab.train.engine.totals import MeanLoss
from headlab.train.events import Terms
from headlab.yolov3.decode import decode
from headlab.yolov3.letterbox import Letterbox
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


class _Detected(NamedTuple):
    """Detections in a photo: x1, y1, x2, y2 in its pixels, score, class (M, 6); their flat addresses (M,)."""

    photo_hw_px: tuple[int, int]
    rows: NDArray[np.float64]
    flat: NDArray[np.int64]


def validate(
    network: Any,
    loader: Iterable[Batch],
    fabric: Any,
    options: LossOptions,
    description: Description,
    photos: Photos,
    *,
    figures: bool,
    plain: Iterable[Batch] | None = None,
) -> Validation:
    """Validate a network in all processes together, each of which takes its own photos.

    Args:
        network: as Fabric set it up, in evaluation mode.
        loader: the validation photos.
        fabric: joins the processes.
        options: of the loss.
        description: of the model.
        photos: the validation photos with their truths.
        figures: whether to compute average precision.
        plain: the photos letterboxed, for average precision, if `loader` augments them.
    """
    names = description.class_names
    loss = MeanLoss(names)
    failed: dict[str, str] = {}
    detected: dict[int, _Detected] = {}  # a photo that replaced an unreadable one counts once
    detector = _Detector(description)
    for batch in loader:
        on_device = batch.to(fabric.device, non_blocking=True)
        with torch.no_grad():
            outputs = network(on_device.images())
            loss.add(yolo_loss(outputs, on_device.targets, options), len(batch.indices))
        failed.update(batch.failed)
        if figures and plain is None:
            detected.update(detector(batch, outputs))
    for batch in plain if figures and plain is not None else ():
        with torch.no_grad():
            outputs = network(batch.to(fabric.device, non_blocking=True).images())
        detected.update(detector(batch, outputs))
    terms = loss.terms(fabric)
    assert terms is not None  # noqa: S101 - the loader is never empty
    if not figures:
        return Validation(terms, {}, failed)
    by_number = {
        number: rows for part in gathered(detected, fabric) for number, rows in part.items()
    }
    # A photo that is listed twice counts once, with the truths of both.
    by_path = {photos.paths[number]: number for number in sorted(by_number)}
    pairs = [(photos.truths[number], by_number[number]) for number in by_path.values()]
    return Validation(terms, _figures(pairs, names), failed)


class _Detector:
    """Detects as `headlab evaluate` does.

    Args:
        description: of the model.
    """

    def __init__(self, description: Description) -> None:
        layout = layout_of(description)
        self._levels = layout.levels
        self._suppression = Suppression(
            len(description.class_names),
            SETTINGS.conf,
            layout.detection.iou,
            SETTINGS.max_det,
            multi_label=True,
        )

    def __call__(self, batch: Batch, outputs: Any) -> Iterator[tuple[int, _Detected]]:
        """The detections in the photos of a batch, by their numbers."""
        height, width = batch.pixels.shape[2:]
        candidates = decode(outputs, self._levels)
        for number, hw_px, of_image in zip(
            batch.indices, batch.photos_hw_px, candidates, strict=True
        ):
            found, flat = self._suppression(of_image)
            rows = found.float().cpu().numpy().astype(np.float64)
            rows[:, :4] = Letterbox(hw_px, (height, width)).to_image(rows[:, :4], clip=True)
            yield number, _Detected(hw_px, rows, flat)


def _figures(
    photos: Sequence[tuple[PhotoTruths, _Detected]], class_names: tuple[str, ...]
) -> dict[str, float]:
    boxes, of_box = _stacked([truths.boxes_xyxy_px for truths, _ in photos], 4)
    rows, of_row = _stacked([detected.rows for _, detected in photos], 6)
    truths = Truths(
        np.array([detected.photo_hw_px for _, detected in photos], np.int64),
        of_box,
        boxes,
        np.concatenate([np.empty(0, np.int64), *(truths.class_id for truths, _ in photos)]),
        np.concatenate([np.empty(0, np.bool_), *(truths.crowd for truths, _ in photos)]),
    )
    detections = Detections(
        of_row,
        rows[:, :4],
        rows[:, 5].astype(np.int64),
        rows[:, 4],
        np.concatenate([np.empty(0, np.int64), *(detected.flat for _, detected in photos)]),
    )
    scores = coco_figures(truths, detections, class_names, SETTINGS.counted)
    by_class = zip(class_names, scores.ap50.tolist(), strict=True)
    return {name: scores[name] for name in SHOWN} | {f"AP50/{name}": ap for name, ap in by_class}


def _stacked(parts: list[np.ndarray], columns: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows of all photos, and each row's photo."""
    rows = np.concatenate([np.empty((0, columns)), *parts]).astype(np.float64)
    photos = np.arange(len(parts), dtype=np.int64).repeat([len(part) for part in parts])
    return rows, photos
