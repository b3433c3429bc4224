"""A fit as a document, for JSON and YAML; docs/anchors.md describes its keys."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headlab.anchors.fitting.fit import AnchorFit


def document(fit: AnchorFit) -> dict[str, Any]:
    """Everything."""
    from headlab.boxes.problems import first_of_each_kind

    return {
        **anchors_document(fit),
        "coverage": asdict(fit.coverage),
        "history": [{"stage": stage, "mean_worth": value} for stage, value in fit.history],
        "curve": fit.curve and asdict(fit.curve),
        "notes": list(fit.notes),
        "skipped": dict(fit.skipped),
        "unread": first_of_each_kind(fit.unread),
    }


def anchors_document(fit: AnchorFit) -> dict[str, Any]:
    """The anchors, their levels and what they are for: what `headlab.anchors.check` reads."""
    levels = fit.assignment.levels
    return {
        "anchors": fit.anchors_wh.tolist(),
        "levels": list(levels.names[::-1]),
        "strides": list(levels.strides_px[::-1]),
        "masks": [list(mask) for mask in fit.masks],
        "units": fit.units,
        "input_hw": list(fit.input_hw) if fit.input_hw else None,
        "resize": fit.resize,
        "objective": fit.objective,
        "seed": fit.seed,
        "boxes": fit.coverage.boxes,
        "mean_iou": round(fit.coverage.mean_iou, 6),
        "recall_50": round(fit.coverage.recall_50, 6),
        "recall_ratio_4": round(fit.coverage.recall_ratio_4, 6),
    }
