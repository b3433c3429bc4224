"""The per-class view as a JSON document and as rows; docs/anchors.md describes the keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import polars as pl

from headlab.anchors.classes.verdicts import SHAPE_FIT_ONLY
from headlab.anchors.fitting.document import anchors_document
from headlab.boxes.problems import first_of_each_kind

if TYPE_CHECKING:
    from headlab.anchors.classes.bootstrap import Interval
    from headlab.anchors.classes.budget import Split
    from headlab.anchors.classes.per_class import AnchorsPerClass


def document(view: AnchorsPerClass) -> dict[str, Any]:
    """Everything."""
    return {
        "verdict": view.verdict,
        "meaning": SHAPE_FIT_ONLY,
        "shared": anchors_document(view.shared),
        "shared_iou": view.shared_iou,
        "own_iou": view.own_iou,
        "held_out_gain": view.held_out_gain and asdict(view.held_out_gain),
        "gain": asdict(view.gain),
        "more_k": view.more_k,
        "more_iou": view.more_iou,
        "budget": _split(view.budget),
        "needed": view.needed and _split(view.needed),
        "classes": [
            {**asdict(row), "own_anchors": row.own_anchors.tolist()} for row in view.classes
        ],
        "skipped": dict(view.skipped),
        "unread": first_of_each_kind(view.unread),
    }


def _split(split: Split) -> Mapping[str, Any]:
    return {
        "total": split.total,
        "mean_iou": split.mean_iou,
        "by_class": {str(number): count for number, count in split.by_class.items()},
    }


def rows(view: AnchorsPerClass) -> pl.DataFrame:
    """One row per class."""
    return pl.DataFrame(
        [
            {
                "class_id": row.number,
                "class_name": row.name,
                "boxes": row.boxes,
                "photos": row.photos,
                "shared_iou": row.shared_iou,
                "own_iou": row.own_iou,
                **_columns("held_out_gain", row.held_out_gain),
                **_columns("gain", row.gain),
                "shared_recall_50": row.shared_recall,
                "own_recall_50": row.own_recall,
                **_columns("held_out_recall_gain", row.held_out_recall_gain),
                **_columns("recall_gain", row.recall_gain),
                "budget_anchors": row.budget_k,
                "budget_iou": row.budget_iou,
                "verdict": row.verdict,
            }
            for row in view.classes
        ],
        infer_schema_length=None,
    )


def _columns(name: str, interval: Interval | None) -> dict[str, float | None]:
    ends = (None,) * 3 if interval is None else (interval.mean, interval.low, interval.high)
    return dict(zip((name, f"{name}_low", f"{name}_high"), ends, strict=True))
