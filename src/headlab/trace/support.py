"""What stands behind each detection: the candidates that NMS merged into it, level by level.

Everything here is computed from the candidates of the one forward pass; the network does not run again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headlab.detect.offline import ultralytics
from headlab.detect.predictor import Prediction
from headlab.detect.settings import Settings
from headlab.heads.addresses import AddressSpace
from headlab.heads.layout import Layout

FOUND_IOU = 0.5
"""A detection counts as still found if one of its class overlaps it at least this much."""

_CLASS_OFFSET_PX = 7680
_MOST_CANDIDATES = 30_000
_END_TO_END_ROWS = 6


@dataclass(frozen=True)
class Support:
    """The support of M detections by L levels.

    Attributes:
        merged: candidates of each level that the detection stands for, its own included: those of its
            class (any class if NMS is class-agnostic) that overlap it by more than the NMS threshold
            and no better detection before it. int64, shape (M, L).
        best: the best score among them, NaN where there are none. float64, shape (M, L).
        alone: whether the level alone would still have found it. bool, shape (M, L).
        without: whether it is still found when the level is left out. bool, shape (M, L).
    """

    merged: NDArray[np.int64]
    best: NDArray[np.float64]
    alone: NDArray[np.bool_]
    without: NDArray[np.bool_]


@dataclass(frozen=True)
class _Scored:
    """The candidates above the confidence threshold.

    NMS takes a candidate with its best class only. An end-to-end head may choose one candidate with
    several classes, which then stands here once for each.

    Attributes:
        predictions: shape (4 + C + extra, n).
        boxes: moved apart by class, shape (n, 4) or (n, 5).
        scores: shape (n,).
        classes: shape (n,).
        key: flat index * C + class, shape (n,).
        level: shape (n,).
    """

    predictions: Any
    boxes: Any
    scores: Any
    classes: Any
    key: NDArray[np.int64]
    level: NDArray[np.int64]


def support(
    prediction: Prediction, space: AddressSpace, layout: Layout, settings: Settings
) -> Support:
    """Find what supported each detection of one image."""
    scored = _scored(prediction, space, layout, settings)
    levels = len(layout.levels)
    merged, best = _merged(prediction, scored, layout, settings, levels)
    masks = [scored.level == level for level in range(levels)]
    found = _FoundAmong(prediction, scored, layout, settings)
    return Support(
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
    if prediction.corners:
        classes, chosen = (each_score > settings.conf).nonzero(as_tuple=True)
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
    picked = prediction.candidates[:, chosen]
    boxes = _boxes(picked, classes, prediction.corners, layout.rotated)
    flat = chosen.cpu().numpy()
    key = flat * prediction.class_count + classes.cpu().numpy()
    level = np.searchsorted(space.offsets, flat, side="right") - 1
    return _Scored(picked, boxes, scores, classes, key, level)


def _boxes(picked: Any, classes: Any, corners: bool, rotated: bool) -> Any:
    """Boxes moved apart by class, so that boxes of different classes never overlap.

    Shape (n, 4) as corners, or (n, 5) as x, y, w, h, angle for rotated boxes.
    """
    import torch

    boxes = picked[:4].T
    shift = (classes * _CLASS_OFFSET_PX)[:, None].to(boxes.dtype)
    if rotated:
        return torch.cat((boxes[:, :2] + shift, boxes[:, 2:], picked[-1:].T), dim=1)
    if not corners:
        boxes = ultralytics("utils.ops").xywh2xyxy(boxes)
    return boxes + shift


def _overlaps(first: Any, second: Any, rotated: bool) -> Any:
    metrics = ultralytics("utils.metrics")
    return (metrics.batch_probiou if rotated else metrics.box_iou)(first, second)


def _detected(prediction: Prediction, layout: Layout) -> Any:
    """The detections' boxes, moved apart by class like the candidates'."""
    kept = prediction.kept
    return _boxes(kept.T, kept[:, 5], corners=True, rotated=layout.rotated)


def _merged(
    prediction: Prediction, scored: _Scored, layout: Layout, settings: Settings, levels: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    count = len(prediction.flat)
    merged = np.zeros((count, levels), np.int64)
    best = np.full((count, levels), np.nan)
    if not count:
        return merged, best
    boxes, detected = scored.boxes, _detected(prediction, layout)
    if settings.agnostic_nms:
        boxes = _boxes(scored.predictions, scored.classes * 0, prediction.corners, layout.rotated)
        detected = _boxes(prediction.kept.T, prediction.kept[:, 5] * 0, True, layout.rotated)
    close = (_overlaps(boxes, detected, layout.rotated) > settings.iou).cpu().numpy()
    owner = np.where(close.any(1), close.argmax(1), -1)
    position = {key: at for at, key in enumerate(scored.key.tolist())}
    kept_classes = prediction.kept[:, 5].cpu().numpy().astype(np.int64)
    kept_keys = prediction.flat * prediction.class_count + kept_classes
    for at, key in enumerate(kept_keys.tolist()):
        owner[position[key]] = at
    scores = scored.scores.cpu().numpy().astype(np.float64)
    owned = owner >= 0
    np.add.at(merged, (owner[owned], scored.level[owned]), 1)
    np.fmax.at(best, (owner[owned], scored.level[owned]), scores[owned])
    return merged, best


class _FoundAmong:
    """Answers which detections are still found when only some candidates take part.

    Often a level has no candidates, so that the same question comes twice: answers are kept.
    """

    def __init__(
        self, prediction: Prediction, scored: _Scored, layout: Layout, settings: Settings
    ) -> None:
        self._prediction = prediction
        self._scored = scored
        self._layout = layout
        self._settings = settings
        count = len(prediction.flat)
        everyone, nobody = (np.full(len(scored.level), each) for each in (True, False))
        self._known: dict[bytes, NDArray[np.bool_]] = {
            nobody.tobytes(): np.zeros(count, np.bool_),
            everyone.tobytes(): np.ones(count, np.bool_),
        }

    def __call__(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """For each detection, whether it is found among the masked candidates; shape (M,)."""
        key = mask.tobytes()
        if key not in self._known:
            self._known[key] = self._looked_for(mask)
        return self._known[key]

    def _looked_for(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        import torch

        scored = self._scored
        chosen = torch.from_numpy(np.flatnonzero(mask)).to(scored.scores.device)
        if self._prediction.corners:
            best_first = scored.scores[chosen].argsort(descending=True)
            chosen = chosen[best_first[: self._settings.max_det]]
        else:
            chosen = chosen[self._survivors(scored.predictions[:, chosen])]
        detected = _detected(self._prediction, self._layout)
        overlap = _overlaps(detected, scored.boxes[chosen], self._layout.rotated)
        found: NDArray[np.bool_] = (overlap >= FOUND_IOU).any(1).cpu().numpy()
        return found

    def _survivors(self, predictions: Any) -> Any:
        """NMS again, as the prediction did it, on some of the candidates.

        ultralytics takes predictions of exactly 6 candidates for end-to-end ones, by their shape; a
        seventh that scores nothing keeps it from that.
        """
        import torch

        if predictions.shape[1] == _END_TO_END_ROWS:
            predictions = torch.cat((predictions, torch.zeros_like(predictions[:, :1])), dim=1)
        settings = self._settings
        _, kept = ultralytics("utils.nms").non_max_suppression(
            predictions[None],
            settings.conf,
            settings.iou,
            classes=list(settings.classes) if settings.classes is not None else None,
            agnostic=settings.agnostic_nms,
            max_det=settings.max_det,
            nc=self._prediction.class_count,
            rotated=self._layout.rotated,
            return_idxs=True,
        )
        return kept[0].view(-1).long()
