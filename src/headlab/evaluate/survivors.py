"""The detections of photos, and what they would be without a level or a slot.

All of it comes from the candidates of one forward pass; the network does not run again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headlab.detect.candidates import Candidates
from headlab.detect.suppression import Suppressor
from headlab.evaluate.scoring import Detections, Flags, Numbers
from headlab.evaluate.settings import Settings
from headlab.heads.layout import Layout


@dataclass(frozen=True)
class Groups:
    """The levels, finest first, and where cells have several slots each slot of each level.

    Attributes:
        names: such as "P5", or "P5/2" for its slot 2, (G,).
        members: whether a place, by its number in `Layout.places`, belongs to a group, (G, places).
    """

    names: tuple[str, ...]
    members: Flags

    @classmethod
    def of(cls, layout: Layout) -> Groups:
        """The groups of a head."""
        place_level = np.array([place.level for place in layout.places])
        members = [place_level == level for level in range(len(layout.levels))]
        names = list(layout.level_names)
        if layout.has_slots:
            members += list(np.eye(len(layout.places), dtype=np.bool_))
            names += [layout.place_name(place) for place in layout.places]
        return cls(tuple(names), np.stack(members))


@dataclass(frozen=True)
class Survivors:
    """Detections of several photos, and which of them there are with and without each group.

    Attributes:
        rows: everything that survives in any of these sets.
        place: the place of each row, by its number in `Layout.places`, (N,).
        whole: the numbers of the rows that are the detections, photo by photo, best first.
        without: the same for each group, of the detections that there would be without it.
    """

    rows: Detections
    place: Numbers
    whole: Numbers
    without: tuple[Numbers, ...]


def survivors(
    photos: Sequence[Candidates], layout: Layout, settings: Settings, groups: Groups
) -> Survivors:
    """The detections of photos, and the detections without each group.

    Args:
        photos: their candidates, as far as they score above `settings.conf` or a lower floor.
        layout: the head's description.
        settings: how to evaluate, nothing left open.
        groups: what to leave out.
    """
    taken = [_taking_part(photo, settings) for photo in photos]
    image = np.repeat(np.arange(len(taken)), [len(photo.flat) for photo in taken])
    class_id = np.concatenate([np.empty(0, np.int64), *(photo.class_id for photo in taken)])
    score = np.concatenate([np.empty(0, np.float32), *(photo.score for photo in taken)])
    boxes = np.concatenate(
        [np.empty((0, 4), np.float32), *(photo.boxes_xyxy_px for photo in taken)]
    )
    place = np.concatenate(
        [
            np.empty(0, np.int64),
            *(layout.addresses(*photo.input_hw_px).places(photo.flat) for photo in taken),
        ]
    )
    absent = [members[place] for members in groups.members]
    among = [np.ones(len(image), np.bool_), *(~gone for gone in absent)]
    if photos and photos[0].corners:
        chosen = [_best_scores(image, score, rows, settings.max_det) for rows in among]
    else:
        iou = 1.0 if settings.iou is None else settings.iou
        chosen = Suppressor(iou, settings.max_det)(image, class_id, score, boxes, among)
    used = np.unique(np.concatenate(chosen))
    flat = np.concatenate([np.empty(0, np.int64), *(photo.flat for photo in taken)])
    in_photos = [
        photo.to_image(boxes[used[first:last]].astype(np.float64))
        for photo, first, last in zip(
            taken,
            *(
                np.searchsorted(image[used], np.arange(len(taken)), side)
                for side in ("left", "right")
            ),
            strict=True,
        )
    ]
    rows = Detections(
        image[used],
        np.concatenate([np.empty((0, 4)), *in_photos]),
        class_id[used],
        score[used].astype(np.float64),
        flat[used],
    )
    whole, *without = (np.searchsorted(used, numbers) for numbers in chosen)
    return Survivors(rows, place[used], whole, tuple(without))


def _taking_part(photo: Candidates, settings: Settings) -> Candidates:
    """The rows above the threshold, in the order in which ultralytics has them."""
    above = photo.only(photo.score > np.float32(settings.conf))
    if settings.best_class:
        return above.best_class()
    if photo.corners:  # of equal scores an end-to-end head takes the lower class first
        return above.only(np.lexsort((above.flat, above.class_id)))
    return above


def _best_scores(image: Numbers, score: Numbers, rows: Flags, most: int) -> Numbers:
    """What an end-to-end head takes: the best scores of all candidates and classes as they are."""
    numbers = np.flatnonzero(rows)
    numbers = numbers[np.lexsort((-score[numbers], image[numbers]))]
    first = np.searchsorted(image[numbers], image[numbers], side="left")
    return numbers[np.arange(len(numbers)) - first < most]
