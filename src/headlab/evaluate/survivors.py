"""The detections of one photo, and what they would be without a level or a slot.

All of it comes from the candidates of one forward pass; the network does not run again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headlab.detect.nms import Suppression
from headlab.detect.prediction import Prediction
from headlab.evaluate.scoring import Boxes, Flags, Numbers
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
    """Detections of one photo, best first.

    Attributes:
        boxes_xyxy_px: in pixels of the photo, (M, 4).
        class_id: the model's number, (M,).
        score: (M,).
        flat: the flat index, (M,).
        place: its place's number in `Layout.places`, (M,).
    """

    boxes_xyxy_px: Boxes
    class_id: Numbers
    score: NDArray[np.float64]
    flat: Numbers
    place: Numbers


def survivors(
    prediction: Prediction, layout: Layout, settings: Settings, groups: Groups
) -> tuple[Survivors, list[Survivors]]:
    """The detections, and the detections without each group.

    Args:
        prediction: the candidates of a photo.
        layout: the head's description.
        settings: how to evaluate, nothing left open.
        groups: what to leave out.
    """
    scores = prediction.candidates[4 : 4 + prediction.class_count]
    above = (scores.amax(0) > settings.conf).nonzero().view(-1)
    flat = above.cpu().numpy()
    place = _places(flat, prediction, layout)
    choose = _chooser(prediction, settings)

    def chosen_among(which: Numbers) -> Survivors:
        taken = prediction.candidates[:, above[_tensor(which, above)]]
        rows, kept = choose(taken)
        return _survivors(rows, which[kept], flat, place, prediction)

    everyone = np.arange(len(flat))
    whole = chosen_among(everyone)
    absent = [members[place] for members in groups.members]
    without = [chosen_among(np.flatnonzero(~gone)) if gone.any() else whole for gone in absent]
    return whole, without


def _chooser(prediction: Prediction, settings: Settings) -> Callable[[Any], tuple[Any, Numbers]]:
    """What turns candidates into detections: NMS, or for an end-to-end head the choice of the best.

    ultralytics uses torchvision's NMS, which is several times as fast as its own and gives the same, if
    it has been imported.
    """
    import torchvision  # noqa: F401

    if prediction.corners:
        return _BestScores(prediction.class_count, settings)
    return Suppression(
        class_count=prediction.class_count,
        conf=settings.conf,
        iou=1.0 if settings.iou is None else settings.iou,
        max_det=settings.max_det,
        multi_label=not settings.best_class,
    )


@dataclass(frozen=True)
class _BestScores:
    """An end-to-end head takes the best scores of all candidates and classes as they are."""

    class_count: int
    settings: Settings

    def __call__(self, candidates: Any) -> tuple[Any, Numbers]:
        """The rows x1, y1, x2, y2, score, class, (M, 6), and their indices among the candidates, (M,)."""
        import torch

        scores = candidates[4 : 4 + self.class_count]
        if self.settings.best_class:
            best, number = scores.max(0)
            chosen = torch.arange(candidates.shape[1], device=candidates.device)
        else:
            number, chosen = (scores > self.settings.conf).nonzero(as_tuple=True)
            best = scores[number, chosen]
        top = best.argsort(descending=True, stable=True)[: self.settings.max_det]
        chosen, number, best = chosen[top], number[top], best[top]
        rows = torch.cat((candidates[:4, chosen].T, best[:, None], number[:, None]), 1)
        return rows, chosen.cpu().numpy()


def _places(flat: Numbers, prediction: Prediction, layout: Layout) -> Numbers:
    """The place of each flat index, by its number in `Layout.places`."""
    space = layout.addresses(*prediction.input_hw_px)
    where = space.address_all(flat)
    first = np.cumsum([0, *space.slots])
    numbers: Numbers = first[where.level] + where.slot
    return numbers


def _survivors(
    rows: Any, kept: Numbers, flat: Numbers, place: Numbers, prediction: Prediction
) -> Survivors:
    found = rows[:, :6].cpu().numpy().astype(np.float64)
    return Survivors(
        prediction.to_image(found[:, :4]),
        found[:, 5].astype(np.int64),
        found[:, 4],
        flat[kept],
        place[kept],
    )


def _tensor(numbers: Numbers, like: Any) -> Any:
    import torch

    return torch.from_numpy(numbers).to(like.device)
