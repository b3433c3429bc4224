"""Evaluate photos one by one; what is kept of each is small."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headlab.boxes.exif_rotation import upright_table
from headlab.boxes.mistakes import refuse_mistaken
from headlab.boxes.table import BoxTable
from headlab.detect.detector import Runnable
from headlab.detect.offline import quiet
from headlab.detect.prediction import Prediction
from headlab.detect.sources import Source
from headlab.errors import InputError
from headlab.evaluate.classes import ClassMatch, matched_classes
from headlab.evaluate.matching import Fates, fates
from headlab.evaluate.photos import Photo, annotated_photos
from headlab.evaluate.settings import Settings
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
        groups: the levels and slots whose contributions are measured.
        rotated_by_exif: how many photos had boxes for the stored pixels, which were rotated with them.
    """

    layout: Layout
    settings: Settings
    classes: ClassMatch
    photos: tuple[Photo, ...]
    groups: Groups
    rotated_by_exif: int = 0

    @classmethod
    def of(cls, layout: Layout, table: BoxTable, settings: Settings | None = None) -> Task:
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
        refuse_mistaken(table)
        decided = (settings or Settings()).for_head(layout)
        classes = matched_classes(layout, table)
        table, rotated = upright_table(table)  # as the photos are read
        photos = annotated_photos(table, classes, difficult=decided.difficult)
        return cls(layout, decided, classes, tuple(photos), Groups.of(layout), rotated)


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
        detections: best first.
        fates: what became of them.
        only: the same, for each group, if there were only the detections that come from it.
        without: the same, for each group, of the detections that there would be without it.
        has_nms: whether the detections were made by NMS.
    """

    photo: Photo
    size_hw_px: tuple[int, int]
    input_hw_px: tuple[int, int]
    detections: Survivors
    fates: Fates
    only: tuple[Fates, ...]
    without: tuple[Fates, ...]
    has_nms: bool


def photo_results(network: Runnable, task: Task) -> Iterator[PhotoResult | Skipped]:
    """Run the network once on each photo.

    Args:
        network: what `headlab.families.network.runnable` returned.
        task: what to do.

    Yields:
        what was found in each photo, or that it could not be read, in the order of the task.

    Raises:
        InputError: the device is not there.
    """
    ready = network.detector(task.settings.forward())
    waiting = [
        (photo, Source.of_file(photo.path))
        for photo in reversed(task.photos)
        if not photo.unusable()
    ]
    for photo in task.photos:
        if reason := photo.unusable():
            yield Skipped(photo.name, reason)
    for prediction in ready([source for _, source in reversed(waiting)]):
        while waiting and waiting[-1][1] is not prediction.source:
            yield Skipped(waiting.pop()[0].name, "not readable as an image")
        yield _result(prediction, waiting.pop()[0], task)
    while waiting:
        yield Skipped(waiting.pop()[0].name, "not readable as an image")


def _result(prediction: Prediction, photo: Photo, task: Task) -> PhotoResult:
    with quiet():  # ultralytics warns of an NMS of more than two seconds
        whole, without = survivors(prediction, task.layout, task.settings, task.groups)
    detections = _evaluated(whole, task.classes)
    known = {id(whole): _fates(detections, photo, task)}
    for rest in without:
        if id(rest) not in known:
            known[id(rest)] = _fates(_evaluated(rest, task.classes), photo, task)
    height, width = prediction.image_bgr.shape[:2]
    return PhotoResult(
        photo,
        (height, width),
        prediction.input_hw_px,
        detections,
        known[id(whole)],
        tuple(
            _fates(_some(detections, members[detections.place]), photo, task)
            for members in task.groups.members
        ),
        tuple(known[id(rest)] for rest in without),
        not prediction.corners,
    )


def _evaluated(survivors: Survivors, classes: ClassMatch) -> Survivors:
    """Those of the evaluated classes, with their numbers."""
    numbers = classes.of_model[survivors.class_id]
    return _some(replace(survivors, class_id=numbers), numbers >= 0)


def _some(survivors: Survivors, which: Any) -> Survivors:
    return Survivors(
        survivors.boxes_xyxy_px[which],
        survivors.class_id[which],
        survivors.score[which],
        survivors.flat[which],
        survivors.place[which],
    )


def _fates(survivors: Survivors, photo: Photo, task: Task) -> Fates:
    return fates(
        survivors.boxes_xyxy_px,
        survivors.class_id,
        survivors.score,
        survivors.place.astype(np.int64),
        photo.truths,
        task.settings.counted,
    )
