"""Fits, checks and comparisons of anchors as JSON documents and as rows for CSV."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from headlab.anchors.formats import document

if TYPE_CHECKING:
    import polars as pl

    from headlab.anchors.bootstrap import Interval
    from headlab.anchors.budget import Split
    from headlab.anchors.checking import Check
    from headlab.anchors.class_loss import PerClass
    from headlab.anchors.fitting import Fit


def fit_document(fit: Fit) -> dict[str, Any]:
    """A fit; docs/anchors.md describes its keys."""
    return {
        **document(fit),
        "coverage": asdict(fit.coverage),
        "history": [{"stage": stage, "mean_worth": value} for stage, value in fit.history],
        "curve": fit.curve and asdict(fit.curve),
        "notes": list(fit.notes),
        "skipped": dict(fit.skipped),
    }


def check_document(check: Check) -> dict[str, Any]:
    """A check; docs/anchors.md describes its keys."""
    return {
        "ok": check.ok,
        "findings": [asdict(each) for each in check.findings],
        "anchors": check.anchors.wh.tolist(),
        "masks": [list(mask) for mask in check.anchors.masks],
        "coverage": asdict(check.coverage),
        "reachable": asdict(check.reachable),
        "rescaling": asdict(check.rescaling),
        "collided": check.collided,
        "by_anchor": [asdict(row) for row in check.by_anchor],
        "by_level": [asdict(row) for row in check.by_level],
        "by_class": [asdict(row) for row in check.by_class],
        "notes": list(check.notes),
        "skipped": dict(check.skipped),
    }


def per_class_document(found: PerClass) -> dict[str, Any]:
    """A comparison; docs/anchors.md describes its keys."""
    from headlab.anchors.verdicts import SHAPE_FIT_ONLY

    return {
        "verdict": found.verdict,
        "meaning": SHAPE_FIT_ONLY,
        "shared": document(found.shared),
        "shared_iou": found.shared_iou,
        "own_iou": found.own_iou,
        "gain": asdict(found.gain),
        "held_out_gain": found.held_out_gain,
        "more_k": found.more_k,
        "more_iou": found.more_iou,
        "budget": _split(found.budget),
        "needed": found.needed and _split(found.needed),
        "classes": [{**asdict(row), "own_anchors": row.own_anchors.tolist()} for row in found.rows],
        "skipped": dict(found.skipped),
    }


def _split(split: Split) -> Mapping[str, Any]:
    return {
        "total": split.total,
        "mean_iou": split.mean_iou,
        "by_class": {str(number): count for number, count in split.by_class.items()},
    }


def fit_rows(fit: Fit) -> pl.DataFrame:
    """One row per anchor."""
    import polars as pl

    names = fit.assignment.levels.names
    return pl.DataFrame(
        {
            "anchor": range(fit.k),
            "width": fit.anchors_wh[:, 0],
            "height": fit.anchors_wh[:, 1],
            "level": [names[level] for level in fit.assignment.level_of],
            "boxes": fit.coverage.served,
        }
    )


def check_rows(check: Check) -> pl.DataFrame:
    """One row per anchor."""
    import polars as pl

    return pl.DataFrame(
        [
            {
                "anchor": row.number,
                "width": row.wh[0],
                "height": row.wh[1],
                "levels": " ".join(row.levels),
                "boxes": row.boxes,
                "mean_iou": row.mean_iou,
            }
            for row in check.by_anchor
        ],
        infer_schema_length=None,
    )


def per_class_rows(found: PerClass) -> pl.DataFrame:
    """One row per class."""
    import polars as pl

    return pl.DataFrame(
        [
            {
                "class_id": row.number,
                "class_name": row.name,
                "boxes": row.boxes,
                "photos": row.photos,
                "shared_iou": row.shared_iou,
                "own_iou": row.own_iou,
                **_columns("gain", row.gain),
                "held_out_gain": row.held_out_gain,
                "shared_recall_50": row.shared_recall,
                "own_recall_50": row.own_recall,
                **_columns("recall_gain", row.recall_gain),
                "budget_anchors": row.budget_k,
                "budget_iou": row.budget_iou,
                "verdict": row.verdict,
            }
            for row in found.rows
        ],
        infer_schema_length=None,
    )


def _columns(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}
