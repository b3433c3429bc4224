"""Evaluate photos one by one; what stays of each is small."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headlab.boxes.exif_rotation import upright_table
from headlab.boxes.table import BoxTable
from headlab.detect.detector import Detector, detector
from headlab.detect.offline import quiet
from headlab.detect.prediction import Prediction
from headlab.errors import InputError
from headlab.evaluate.classes import ClassMatch, matched_classes
from headlab.evaluate.matching import Fates, fates
from headlab.evaluate.photos import Photo, annotated_photos
from headlab.evaluate.settings import EvaluationSettings
from headlab.evaluate.survivors import Groups, Survivors, survivors
from headlab.extras import EVALUATION, require
from headlab.heads.layout import Layout


@dataclass(frozen=True)
class Task:
    """Everything that is decided before the network runs.

    Attributes:
        layout: of the model.
        settings: nothing left open.
        classes: which classes are evaluated.
        photos: with their truths.
        groups: the levels and slots that are told apart.
        turned: how many photos' boxes were given for the stored pixels, and turned upright.
    """

    layout: Layout
    settings: EvaluationSettings
    classes: ClassMatch
    photos: tuple[Photo, ...]
    groups: Groups
    turned: int = 0

    @classmethod
    def of(
        cls, layout: Layout, table: BoxTable, settings: EvaluationSettings | None = None
    ) -> Task:
        """Prepare an evaluation.

        Raises:
            InputError: model and annotations have no class in common, there is nothing to be found, or
                the head does not have what a setting asks for.
            MissingExtra: a package that evaluates is not installed.
        """
        require("Evaluating a model", EVALUATION)
        if layout.rotated:
            raise InputError(
                f"{layout.head} makes rotated boxes; annotations here are upright boxes.",
                "Evaluate it with ultralytics' own val.",
            )
        decided = (settings or EvaluationSettings()).for_head(layout)
        classes = matched_classes(layout, table)
        table, turned = upright_table(table)  # as the photos are read
        photos = annotated_photos(table, classes, difficult=decided.difficult)
        return cls(layout, decided, classes, tuple(photos), Groups.of(layout), turned)


@dataclass(frozen=True)
class Skipped:
    """A photo that could not be read, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class PhotoResult:
    """What was found in one photo; classes are numbered as in `ClassMatch`.

    Attributes:
        photo: with its truths.
        size_hw_px: of the photo that was read.
        input_hw_px: the network's input size for it.
        found: the detections, best first.
        fates: what became of them.
        only: the same, for each group, if there were only the detections that come from it.
        without: the same, for each group, of the detections that there would be without it.
        has_nms: whether the detections were made by NMS.
    """

    photo: Photo
    size_hw_px: tuple[int, int]
    input_hw_px: tuple[int, int]
    found: Survivors
    fates: Fates
    only: tuple[Fates, ...]
    without: tuple[Fates, ...]
    has_nms: bool


def photo_results(network: Any, task: Task) -> Iterator[PhotoResult | Skipped]:
    """Run the network once on each photo.

    Args:
        network: what `headlab.families.network.runnable` returned.
        task: what to do.

    Yields:
        what was found in each photo, or that it could not be read, in the order of the task.

    Raises:
        InputError: the device is not there.
    """
    ready = detector(network, task.layout, task.settings.forward())
    waiting = [photo for photo in reversed(task.photos) if not photo.unusable()]
    for photo in task.photos:
        if reason := photo.unusable():
            yield Skipped(photo.name, reason)
    for prediction in _predictions(ready, waiting[::-1]):
        while waiting and waiting[-1].path.absolute() != prediction.path:
            yield Skipped(waiting.pop().name, "not readable as an image")
        yield _result(prediction, waiting.pop(), task)
    while waiting:
        yield Skipped(waiting.pop().name, "not readable as an image")


def _predictions(ready: Detector, photos: list[Photo]) -> Iterator[Prediction]:
    return ready([photo.path for photo in photos]) if photos else iter(())


def _result(prediction: Prediction, photo: Photo, task: Task) -> PhotoResult:
    with quiet():  # ultralytics warns of an NMS of more than two seconds
        whole, without = survivors(prediction, task.layout, task.settings, task.groups)
    found = _evaluated(whole, task.classes)
    kept = {id(whole): _fates(found, photo, task)}
    for each in without:
        if id(each) not in kept:
            kept[id(each)] = _fates(_evaluated(each, task.classes), photo, task)
    height, width = prediction.image_bgr.shape[:2]
    return PhotoResult(
        photo,
        (height, width),
        prediction.input_hw_px,
        found,
        kept[id(whole)],
        tuple(
            _fates(_some(found, members[found.place]), photo, task)
            for members in task.groups.members
        ),
        tuple(kept[id(each)] for each in without),
        not prediction.corners,
    )


def _evaluated(found: Survivors, classes: ClassMatch) -> Survivors:
    """Those of the evaluated classes, with their numbers."""
    numbers = classes.of_model[found.class_id]
    return _some(replace(found, class_id=numbers), numbers >= 0)


def _some(found: Survivors, which: Any) -> Survivors:
    return Survivors(
        found.boxes_xyxy_px[which],
        found.class_id[which],
        found.score[which],
        found.flat[which],
        found.place[which],
    )


def _fates(found: Survivors, photo: Photo, task: Task) -> Fates:
    return fates(
        found.boxes_xyxy_px,
        found.class_id,
        found.score,
        found.place.astype(np.int64),
        photo.truths,
        task.settings.counted,
    )
