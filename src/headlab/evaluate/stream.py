"""Evaluate photos, some at a time; what is kept of each is small."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from headlab.boxes.exif_rotation import upright_table
from headlab.boxes.mistakes import refuse_mistaken
from headlab.boxes.table import BoxTable
from headlab.detect.candidates import Candidates
from headlab.detect.detector import Runnable
from headlab.detect.sources import Source
from headlab.detect.steps import steps
from headlab.errors import InputError
from headlab.evaluate.classes import ClassMatch, matched_classes
from headlab.evaluate.matching import Fates, Pairs, fates
from headlab.evaluate.photos import Photo, annotated_photos
from headlab.evaluate.scoring import Detections, Numbers, Truths
from headlab.evaluate.settings import Settings
from headlab.evaluate.survivors import Groups, survivors
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
        table: the annotations, upright as the photos are read.
        groups: the levels and slots whose contributions are measured.
        rotated_by_exif: how many photos had boxes for the stored pixels, which were rotated with them.
        absent: the places whose candidates are left out, by their numbers in `Layout.places`.
    """

    layout: Layout
    settings: Settings
    classes: ClassMatch
    photos: tuple[Photo, ...]
    table: BoxTable
    groups: Groups
    rotated_by_exif: int = 0
    absent: tuple[int, ...] = ()

    @classmethod
    def of(
        cls,
        layout: Layout,
        table: BoxTable,
        settings: Settings | None = None,
        *,
        without: Sequence[str] = (),
        rotated_by_exif: int | None = None,
    ) -> Task:
        """Prepare an evaluation.

        Args:
            layout: of the model.
            table: the annotations.
            settings: how to evaluate.
            without: levels, such as "P5", and slots, such as "P5/2", whose candidates are left out.
            rotated_by_exif: how many photos' boxes in the table have been rotated with them; None if that is
                still to be done.

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
        left_out = {place for name in without for place in layout.places_of(name)}
        absent = tuple(at for at, place in enumerate(layout.places) if place in left_out)
        if len(absent) == len(layout.places):
            raise InputError("Without all levels nothing can be found.", "Leave one of them in.")
        if rotated_by_exif is None:
            table, rotated_by_exif = upright_table(table)  # as the photos are read
        photos = annotated_photos(table, classes, difficult=decided.difficult)
        return cls(
            layout,
            decided,
            classes,
            tuple(photos),
            table,
            Groups.of(layout),
            rotated_by_exif,
            absent,
        )


@dataclass(frozen=True)
class Skipped:
    """A photo that could not be read, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class PhotoCandidates:
    """What one forward pass made of one photo.

    Attributes:
        photo: with its truths.
        size_hw_px: of the photo that was read.
        candidates: those above the threshold.
    """

    photo: Photo
    size_hw_px: tuple[int, int]
    candidates: Candidates


@dataclass(frozen=True)
class Judged:
    """What was found in several photos; classes are numbered as in `ClassMatch`.

    Attributes:
        photos: with the sizes of what was read, and of the network's input: (photo, height and width, height
            and width).
        truths: theirs.
        detections: of all photos, best first in each.
        whole: what became of them.
        only: the same, for each group, if there were only the detections that come from it.
        without: the same, for each group, of the detections that there would be without it.
        has_nms: whether the detections were made by NMS.
    """

    photos: tuple[tuple[Photo, tuple[int, int], tuple[int, int]], ...]
    truths: Truths
    detections: Detections
    whole: Fates
    only: tuple[Fates, ...]
    without: tuple[Fates, ...]
    has_nms: bool


def photo_candidates(network: Runnable, task: Task) -> Iterator[PhotoCandidates | Skipped]:
    """Run the network once on each photo.

    Args:
        network: what `headlab.families.network.runnable` returned.
        task: what to do.

    Yields:
        what the network made of each photo, or that it could not be read, in the order of the task.

    Raises:
        InputError: the device is not there.
    """
    for photo in task.photos:
        if reason := photo.unusable():
            yield Skipped(photo.name, reason)
    photos = [photo for photo in task.photos if not photo.unusable()]
    sources = [Source.of_file(photo.path) for photo in photos]
    seen = steps(network.detector(task.settings.forward()), sources)
    for photo, step in zip(photos, seen, strict=True):
        if step.prediction is None:
            yield Skipped(photo.name, step.reason)
            continue
        height, width = step.prediction.image_bgr.shape[:2]
        candidates = Candidates.of(step.prediction, task.settings.conf)
        yield PhotoCandidates(photo, (height, width), candidates)


def judged(photos: Sequence[PhotoCandidates], task: Task) -> Judged:
    """Make detections of candidates, with and without each group, and match them to the truths."""
    candidates = [_without_absent(photo.candidates, task) for photo in photos]
    found = survivors(candidates, task.layout, task.settings, task.groups)
    truths = _truths(photos)
    numbers = task.classes.of_model[found.rows.class_id]
    evaluated = numbers >= 0
    rows = replace(found.rows, class_id=np.where(evaluated, numbers, -1))
    pairs = Pairs.of(rows, truths)

    def fates_of(among: Numbers) -> Fates:
        chosen = among[evaluated[among]]
        counted = task.settings.counted
        return fates(rows, truths, found.place, counted, among=chosen, pairs=pairs)

    return Judged(
        tuple((photo.photo, photo.size_hw_px, photo.candidates.input_hw_px) for photo in photos),
        truths,
        rows.only(found.whole[evaluated[found.whole]]),
        fates_of(found.whole),
        tuple(
            fates_of(found.whole[members[found.place[found.whole]]])
            for members in task.groups.members
        ),
        tuple(fates_of(rest) for rest in found.without),
        not any(each.corners for each in candidates),
    )


def _without_absent(candidates: Candidates, task: Task) -> Candidates:
    if not task.absent:
        return candidates
    space = task.layout.addresses(*candidates.input_hw_px)
    return candidates.only(~np.isin(space.places(candidates.flat), task.absent))


def _truths(photos: Sequence[PhotoCandidates]) -> Truths:
    parts = [photo.photo.truths for photo in photos]
    return Truths(
        np.array([photo.size_hw_px for photo in photos], np.int64).reshape(-1, 2),
        np.repeat(np.arange(len(parts)), [len(part.class_id) for part in parts]),
        np.concatenate([np.empty((0, 4)), *(part.boxes_xyxy_px for part in parts)]),
        np.concatenate([np.empty(0, np.int64), *(part.class_id for part in parts)]),
        np.concatenate([np.empty(0, np.bool_), *(part.crowd for part in parts)]),
    )
