"""Seeded truths and detections, and COCO's figures of them by pycocotools."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np

from headlab.evaluate.matching import Fates, fates
from headlab.evaluate.scoring import Detections, Truths

CLASSES = ("ant", "bee", "cat", "dog", "eel")


def truths(*rows: tuple[int, tuple[float, ...], int], crowd: tuple[int, ...] = ()) -> Truths:
    """Truths from rows of photo, box and class, in three photos of 640 x 480 px."""
    return Truths(
        np.full((3, 2), (480, 640)),
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.float64).reshape(-1, 4),
        np.array([row[2] for row in rows], np.int64),
        np.isin(np.arange(len(rows)), crowd),
    )


def detections(*rows: tuple[int, tuple[float, ...], int, float]) -> Detections:
    """Detections from rows of photo, box, class and score."""
    return Detections(
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.float64).reshape(-1, 4),
        np.array([row[2] for row in rows], np.int64),
        np.array([row[3] for row in rows], np.float64),
        np.arange(len(rows)),
    )


def drawn(
    seed: int, *, photos: int = 12, truths_each: int = 6, found_each: int = 30
) -> tuple[Truths, Detections]:
    """Random ones of all sizes: a tenth are crowds, the last class has no truths, scores have ties."""
    rng = np.random.default_rng(seed)
    count = photos * truths_each
    image = rng.integers(0, photos - 1, count)  # the last photo has no truths
    low = rng.uniform(0, 400, (count, 2))
    high = low + np.exp(rng.uniform(np.log(8), np.log(250), (count, 2)))
    made = Truths(
        np.full((photos, 2), 640),
        image,
        np.concatenate((low, high), 1),
        rng.integers(0, len(CLASSES) - 1, count),
        rng.random(count) < 0.1,
    )
    found = photos * found_each
    of = rng.integers(0, count, found)
    boxes = made.boxes_xyxy_px[of] + rng.normal(0, 6, (found, 4))
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
    right = rng.random(found) < 0.8
    return made, Detections(
        np.where(rng.random(found) < 0.9, image[of], rng.integers(0, photos, found)),
        boxes,
        np.where(right, made.class_id[of], rng.integers(0, len(CLASSES), found)),
        np.round(rng.random(found), 2),
        np.arange(found),
    )


def all_fates(found: Detections, given: Truths, max_det: int = 100) -> Fates:
    """What became of the detections of all photos; their flat indices stand for places."""
    return fates(found, given, found.flat, max_det)


def by_pycocotools(given: Truths, found: Detections, classes: int, max_det: int = 100) -> Any:
    """pycocotools' `COCOeval`, accumulated and summarised."""
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        made = COCOeval(_coco(given, given, classes), _coco(found, given, classes), "bbox")
        made.params.maxDets = [1, 10, max_det]
        made.evaluate()
        made.accumulate()
        made.summarize()
    return made


def _coco(boxes: Any, given: Truths, classes: int) -> Any:
    from pycocotools.coco import COCO

    made = COCO()
    rows = []
    for at, (x1, y1, x2, y2) in enumerate(boxes.boxes_xyxy_px.tolist()):
        row = {
            "id": at + 1,
            "image_id": int(boxes.image[at]),
            "category_id": int(boxes.class_id[at]),
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "area": (x2 - x1) * (y2 - y1),
        }
        if isinstance(boxes, Truths):
            row["iscrowd"] = int(boxes.crowd[at])
        else:
            row["score"] = float(boxes.score[at])
        rows.append(row)
    made.dataset = {
        "images": [{"id": at} for at in range(len(given.image_hw))],
        "categories": [{"id": at} for at in range(classes)],
        "annotations": rows,
    }
    made.createIndex()
    return made
