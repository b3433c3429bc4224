"""What supports each detection: the candidates that NMS merged into it, level by level and slot by slot.

Everything here is computed from the candidates of the one forward pass; the network does not run again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headlab.detect.prediction import Prediction
from headlab.detect.settings import Settings
from headlab.extras import ultralytics
from headlab.heads.addresses import AddressSpace
from headlab.heads.layout import Layout
from headlab.trace.groups import Groups, support_groups

FOUND_IOU = 0.5
"""A detection counts as still found if one of its class overlaps it at least this much."""

_CLASS_OFFSET_PX = 7680
_MOST_CANDIDATES = 30_000


@dataclass(frozen=True)
class Support:
    """The support of M detections by G groups of candidates (see `headlab.trace.groups`).

    Attributes:
        groups: the groups' names: the levels, such as "P5", then slots of levels, such as "P5_2".
        merged: candidates of each group that the detection stands for, its own included: those of its
            class (any class if NMS is class-agnostic) that overlap it by more than the NMS threshold
            and no better detection before it. int64, shape (M, G).
        best: the best score among them, NaN where there are none. float64, shape (M, G).
        alone: whether the group's candidates alone would still give it. bool, shape (M, G).
        without: whether it is still found without the group's candidates. bool, shape (M, G).
    """

    groups: tuple[str, ...]
    merged: NDArray[np.int64]
    best: NDArray[np.float64]
    alone: NDArray[np.bool_]
    without: NDArray[np.bool_]


@dataclass(frozen=True)
class _Scored:
    """The candidates above the confidence threshold.

    NMS takes a candidate with its best class only. With `multi_label`, and in an end-to-end head, one
    candidate may stand for several classes, and is then here once for each.

    Attributes:
        boxes: shape (n, 4) as corners, or (n, 5) as x, y, w, h, angle for rotated boxes.
        scores: shape (n,).
        classes: shape (n,).
        key: flat index * C + class, shape (n,).
        place: the number of its place in `Layout.places`, shape (n,).
    """

    boxes: Any
    scores: Any
    classes: Any
    key: NDArray[np.int64]
    place: NDArray[np.int64]


def support(
    prediction: Prediction, space: AddressSpace, layout: Layout, settings: Settings
) -> Support:
    """Find what supported each detection of one image.

    Args:
        prediction: the detections and all candidates.
        space: the addresses at the prediction's input size.
        layout: the head's description.
        settings: how the detections were made.
    """
    settings = settings.for_head(layout)
    groups = support_groups(layout)
    scored = _scored(prediction, space, layout, settings)
    merged, best = _merged(prediction, scored, layout, settings, groups)
    masks = [members[scored.place] for members in groups.members]
    found = _FoundAmong(prediction, scored, layout, settings)
    return Support(
        groups.names,
        merged,
        best,
        alone=np.stack([found(mask) for mask in masks], axis=1),
        without=np.stack([found(~mask) for mask in masks], axis=1),
    )


def _scored(
    prediction: Prediction, space: AddressSpace, layout: Layout, settings: Settings
) -> _Scored:
    import torch

    each_score = prediction.candidates[4 : 4 + prediction.class_count]
    if prediction.corners or settings.multi_label:
        above = each_score > settings.conf
        chosen, classes = above.T.nonzero(as_tuple=True)
        scores = each_score[classes, chosen]
    else:
        chosen = (each_score.amax(0) > settings.conf).nonzero().view(-1)
        scores, classes = each_score[:, chosen].max(0)
    if settings.classes is not None:
        wanted = torch.isin(classes, torch.tensor(settings.classes, device=classes.device))
        chosen, scores, classes = chosen[wanted], scores[wanted], classes[wanted]
    if len(chosen) > _MOST_CANDIDATES:
        top = scores.argsort(descending=True)[:_MOST_CANDIDATES]
        chosen, scores, classes = chosen[top], scores[top], classes[top]
    boxes = _boxes(prediction.candidates[:, chosen].T, prediction.corners, layout.rotated)
    flat = chosen.cpu().numpy()
    key = flat * prediction.class_count + classes.cpu().numpy()
    where = space.address_all(flat)
    first_place = np.cumsum([0, *space.slots])
    return _Scored(boxes, scores, classes, key, first_place[where.level] + where.slot)


def _boxes(rows: Any, corners: bool, rotated: bool) -> Any:
    """The boxes of candidates or detections, (n, 4 + …): (n, 4) as corners, or (n, 5) if rotated."""
    import torch

    if rotated:
        return torch.cat((rows[:, :4], rows[:, -1:]), dim=1)
    return rows[:, :4] if corners else ultralytics("utils.ops").xywh2xyxy(rows[:, :4])


def _apart(boxes: Any, classes: Any, rotated: bool) -> Any:
    """Boxes moved apart by class, so that boxes of different classes never overlap."""
    import torch

    shift = (classes * _CLASS_OFFSET_PX)[:, None].to(boxes.dtype)
    if rotated:
        return torch.cat((boxes[:, :2] + shift, boxes[:, 2:]), dim=1)
    return boxes + shift


def _overlaps(first: Any, second: Any, rotated: bool) -> Any:
    metrics = ultralytics("utils.metrics")
    return (metrics.batch_probiou if rotated else metrics.box_iou)(first, second)


def _merged(
    prediction: Prediction, scored: _Scored, layout: Layout, settings: Settings, groups: Groups
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Count the candidates of each detection, place by place, and add up the places of each group."""
    shape = (len(prediction.flat), len(layout.places))
    counts = np.zeros(shape, np.int64)
    scores = np.full(shape, -np.inf)
    if len(prediction.flat):
        owner = _owner(prediction, scored, layout, settings)
        owned = owner >= 0
        at = owner[owned], scored.place[owned]
        np.add.at(counts, at, 1)
        np.fmax.at(scores, at, scored.scores.cpu().numpy().astype(np.float64)[owned])
    merged = counts @ groups.members.T.astype(np.int64)
    best = np.stack([scores[:, members].max(axis=1) for members in groups.members], axis=1)
    return merged, np.where(merged > 0, best, np.nan)


def _owner(
    prediction: Prediction, scored: _Scored, layout: Layout, settings: Settings
) -> NDArray[np.int64]:
    """For each candidate, the detection that it was merged into, or -1; shape (n,)."""
    kept, rotated = prediction.kept, layout.rotated
    boxes, detected = scored.boxes, _boxes(kept, corners=True, rotated=rotated)
    if not settings.agnostic_nms:
        boxes = _apart(boxes, scored.classes, rotated)
        detected = _apart(detected, kept[:, 5], rotated)
    close = (_overlaps(boxes, detected, rotated) > settings.iou).cpu().numpy()
    owner: NDArray[np.int64] = np.where(close.any(1), close.argmax(1), -1)
    position = {key: at for at, key in enumerate(scored.key.tolist())}
    kept_classes = kept[:, 5].cpu().numpy().astype(np.int64)
    kept_keys = prediction.flat * prediction.class_count + kept_classes
    for at, key in enumerate(kept_keys.tolist()):
        if key in position:  # beyond 30,000 candidates the rest is ignored
            owner[position[key]] = at
    return owner


class _FoundAmong:
    """Says which detections are still found when only some candidates take part.

    A level often has no candidates, so that the same question is asked twice: answers are remembered.
    """

    def __init__(
        self, prediction: Prediction, scored: _Scored, layout: Layout, settings: Settings
    ) -> None:
        rotated, kept = layout.rotated, prediction.kept
        self._scored = scored
        self._settings = settings
        self._rotated = rotated
        self._without_nms = prediction.corners
        self._apart = _apart(scored.boxes, scored.classes, rotated)
        self._detected = _apart(_boxes(kept, corners=True, rotated=rotated), kept[:, 5], rotated)
        count = len(prediction.flat)
        everyone, nobody = (np.full(len(scored.place), member) for member in (True, False))
        self._known: dict[bytes, NDArray[np.bool_]] = {
            nobody.tobytes(): np.zeros(count, np.bool_),
            everyone.tobytes(): np.ones(count, np.bool_),
        }

    def __call__(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """For each detection, whether it is found among the masked candidates; shape (M,)."""
        key = mask.tobytes()
        if key not in self._known:
            self._known[key] = self._still_found(mask)
        return self._known[key]

    def _still_found(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        import torch

        chosen = torch.from_numpy(np.flatnonzero(mask)).to(self._scored.scores.device)
        chosen = chosen[self._survivors(chosen)[: self._settings.max_det]]
        overlap = _overlaps(self._detected, self._apart[chosen], self._rotated)
        found: NDArray[np.bool_] = (overlap >= FOUND_IOU).any(1).cpu().numpy()
        return found

    def _survivors(self, chosen: Any) -> Any:
        """Which of the chosen candidates NMS keeps, best first.

        These are the calls that `ultralytics.utils.nms.non_max_suppression` makes once it has the
        candidates and their classes, which are known here already.
        """
        scores = self._scored.scores[chosen]
        if self._without_nms:
            return scores.argsort(descending=True)
        boxes = (self._scored.boxes if self._settings.agnostic_nms else self._apart)[chosen]
        if self._rotated:
            probiou = ultralytics("utils.metrics").batch_probiou
            suppress = ultralytics("utils.nms").TorchNMS.fast_nms
            return suppress(boxes, scores, self._settings.iou, iou_func=probiou)
        from torchvision.ops import nms

        return nms(boxes, scores, self._settings.iou)
