"""Average precision and recall as COCO computes them.

Letters: I photos, K truths, M detections, C classes. The definitions are those of COCO's own evaluation
(Lin et al., Microsoft COCO: Common Objects in Context, 2014, and the code of pycocotools);
`faster_coco_eval` computes the same figures in C++.

Invariant: the figures equal pycocotools' to 1e-6 (tests/evaluate/test_scoring.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headlab.errors import InputError

Boxes = NDArray[np.float64]
Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

MAX_DET = 100
"""COCO counts only the best detections of each class in each photo, this many."""

IOU_50, IOU_75 = 0, 5
"""Among COCO's thresholds 0.50, 0.55, … 0.95."""

_AREAS = ("small", "medium", "large")
"""In pixels of the photo: up to 32 x 32, up to 96 x 96, and larger."""


@dataclass(frozen=True)
class Truths:
    """What is to be seen in the photos.

    Attributes:
        image_hw: height and width of each photo in pixels, (I, 2).
        image: the photo of each truth, by its number, (K,).
        boxes_xyxy_px: x1, y1, x2, y2 in pixels of the photos, (K, 4).
        class_id: (K,).
        crowd: whether it is a crowd: a detection that it covers is neither right nor wrong, and missing it
            costs nothing, (K,).
    """

    image_hw: Numbers
    image: Numbers
    boxes_xyxy_px: Boxes
    class_id: Numbers
    crowd: Flags

    @cached_property
    def counted(self) -> int:
        """How many are to be found: all but the crowds."""
        return int((~self.crowd).sum())


@dataclass(frozen=True)
class Detections:
    """What was found in the photos.

    Attributes:
        image: the photo of each detection, by its number, (M,).
        boxes_xyxy_px: x1, y1, x2, y2 in pixels of the photos, (M, 4).
        class_id: (M,).
        score: (M,).
        flat: the flat index of each in its photo, from which its address follows, (M,).
    """

    image: Numbers
    boxes_xyxy_px: Boxes
    class_id: Numbers
    score: NDArray[np.float64]
    flat: Numbers

    def __len__(self) -> int:
        return len(self.image)

    def only(self, which: Flags | Numbers) -> Detections:
        """Some of them: by a mask, (M,), or by numbers."""
        return Detections(
            self.image[which],
            self.boxes_xyxy_px[which],
            self.class_id[which],
            self.score[which],
            self.flat[which],
        )

    @classmethod
    def joined(cls, parts: Sequence[Detections]) -> Detections:
        """Several together, in their order."""
        return cls(
            np.concatenate([np.empty(0, np.int64), *(part.image for part in parts)]),
            np.concatenate([np.empty((0, 4)), *(part.boxes_xyxy_px for part in parts)]),
            np.concatenate([np.empty(0, np.int64), *(part.class_id for part in parts)]),
            np.concatenate([np.empty(0), *(part.score for part in parts)]),
            np.concatenate([np.empty(0, np.int64), *(part.flat for part in parts)]),
        )


@dataclass(frozen=True)
class Figures:
    """COCO's figures; nan where nothing was to be found.

    Attributes:
        values: by name, in COCO's order: AP (mean over the IoU thresholds 0.50, 0.55, … 0.95 and over the
            classes), AP50, AP75, AP_small, AP_medium, AP_large, AR_1, AR_10, AR_100 (average recall with
            at most that many detections of each class in each photo), AR_small, AR_medium, AR_large.
        class_names: by class number.
        ap: of each class, (C,).
        ap50: of each class, (C,).
    """

    values: Mapping[str, float]
    class_names: tuple[str, ...]
    ap: NDArray[np.float64]
    ap50: NDArray[np.float64]

    def __getitem__(self, name: str) -> float:
        """One of the values."""
        return self.values[name]

    def named(self) -> dict[str, float]:
        """The values, and those of the classes as "AP/NAME" and "AP50/NAME"."""
        return {
            **self.values,
            **{f"AP/{name}": float(ap) for name, ap in zip(self.class_names, self.ap, strict=True)},
            **{
                f"AP50/{name}": float(ap)
                for name, ap in zip(self.class_names, self.ap50, strict=True)
            },
        }


def coco_figures(
    truths: Truths, detections: Detections, class_names: Sequence[str], max_det: int = MAX_DET
) -> Figures:
    """COCO's figures of detections.

    The area of a truth is that of its box; COCO's own files have the area of its outline instead, which
    moves some truths to another of small, medium and large.

    Args:
        truths: what is to be found.
        detections: what was found, in any order; of equal scores the first comes first.
        class_names: by class number.
        max_det: how many detections of each class count in each photo.

    Raises:
        InputError: `max_det` is not positive, or a class number has no name.
    """
    if max_det < 1:
        raise InputError(f"max_det is {max_det}; at least 1 was expected.")
    _check_classes(truths, detections, len(class_names))
    limits = sorted({1, min(10, max_det), max_det})
    with_truths = np.unique(truths.class_id)
    precision = np.full((10, 101, len(class_names), 4, len(limits)), np.nan)
    recall = np.full((10, len(class_names), 4, len(limits)), np.nan)
    if len(with_truths):
        of_these = detections.only(np.isin(detections.class_id, with_truths))
        arrays = _evaluated(truths, of_these, limits)
        precision[:, :, with_truths] = _nan_where_unknown(arrays["precision"])
        recall[:, with_truths] = _nan_where_unknown(arrays["recall"])
    return Figures(
        _values(precision, recall, limits),
        tuple(class_names),
        _mean(precision[..., 0, -1], (0, 1)),
        _mean(precision[IOU_50, ..., 0, -1], (0,)),
    )


def _values(
    precision: NDArray[np.float64], recall: NDArray[np.float64], limits: Sequence[int]
) -> dict[str, float]:
    """The means: precision (IoU, recall, class, area, limit), recall (IoU, class, area, limit)."""
    means = {
        "AP": precision[..., 0, -1],
        "AP50": precision[IOU_50, ..., 0, -1],
        "AP75": precision[IOU_75, ..., 0, -1],
        **{f"AP_{name}": precision[..., at, -1] for at, name in enumerate(_AREAS, 1)},
        **{f"AR_{limit}": recall[..., 0, at] for at, limit in enumerate(limits)},
        **{f"AR_{name}": recall[..., at, -1] for at, name in enumerate(_AREAS, 1)},
    }
    return {name: float(_mean(values, None)) for name, values in means.items()}


def _mean(values: NDArray[np.float64], axes: tuple[int, ...] | None) -> Any:
    """The mean of what is known; nan where nothing is."""
    known = ~np.isnan(values)
    count = known.sum(axes)
    total = np.where(known, values, 0).sum(axes)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _nan_where_unknown(values: Any) -> NDArray[np.float64]:
    """COCO writes -1 where there is no truth of a class."""
    array = np.asarray(values, np.float64)
    return np.where(array < 0, np.nan, array)


def _evaluated(truths: Truths, detections: Detections, limits: Sequence[int]) -> Mapping[str, Any]:
    """`faster_coco_eval`'s arrays, the classes being those of the truths in rising order."""
    from faster_coco_eval.core import (  # type: ignore[import-untyped]
        COCO,
        COCOeval_faster,
    )

    evaluation = COCOeval_faster(
        _dataset(COCO, truths, _truth_rows(truths)),
        _dataset(COCO, truths, _detection_rows(detections)),
        iouType="bbox",
        print_function=_silent,
    )
    evaluation.params.maxDets = list(limits)
    evaluation.evaluate()
    evaluation.accumulate()
    arrays: Mapping[str, Any] = evaluation.eval
    return arrays


def _dataset(kind: Any, truths: Truths, rows: list[dict[str, Any]]) -> Any:
    """Annotations with all photos and all classes that have truths; numbers as in headlab."""
    dataset = kind(print_function=_silent)
    dataset.dataset = {
        "images": [
            {"id": at, "height": height, "width": width}
            for at, (height, width) in enumerate(truths.image_hw.tolist())
        ],
        "categories": [{"id": number} for number in np.unique(truths.class_id).tolist()],
        "annotations": rows,
    }
    dataset.createIndex()
    return dataset


def _truth_rows(truths: Truths) -> list[dict[str, Any]]:
    return [
        {**row, "iscrowd": int(crowd)}
        for row, crowd in zip(
            _rows(truths.image, truths.class_id, truths.boxes_xyxy_px),
            truths.crowd.tolist(),
            strict=True,
        )
    ]


def _detection_rows(detections: Detections) -> list[dict[str, Any]]:
    return [
        {**row, "score": score}
        for row, score in zip(
            _rows(detections.image, detections.class_id, detections.boxes_xyxy_px),
            detections.score.tolist(),
            strict=True,
        )
    ]


def _rows(image: Numbers, class_id: Numbers, boxes_xyxy_px: Boxes) -> list[dict[str, Any]]:
    """One per box, numbered from 1: to COCO, 0 means no match."""
    sizes = boxes_xyxy_px[:, 2:] - boxes_xyxy_px[:, :2]
    boxes = np.concatenate((boxes_xyxy_px[:, :2], sizes), axis=1).tolist()
    areas = sizes.prod(1).tolist()
    columns = (image.tolist(), class_id.tolist(), boxes, areas)
    return [
        {"id": at, "image_id": photo, "category_id": number, "bbox": box, "area": area}
        for at, (photo, number, box, area) in enumerate(zip(*columns, strict=True), 1)
    ]


def _check_classes(truths: Truths, detections: Detections, count: int) -> None:
    for what, numbers in (("truth", truths.class_id), ("detection", detections.class_id)):
        if len(numbers) and not (numbers.min() >= 0 and numbers.max() < count):
            wrong = numbers[(numbers < 0) | (numbers >= count)][0]
            raise InputError(
                f"A {what} is of class {wrong}; there are {count} classes, numbered from 0."
            )


def _silent(*_: object) -> None:
    """Print nothing."""
