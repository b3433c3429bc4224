"""A check of anchors as a JSON document and as rows; docs/anchors.md describes the keys."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import polars as pl

from headlab.boxes.problems import first_of_each_kind

if TYPE_CHECKING:
    from headlab.anchors.checking.check import AnchorCheck


def document(check: AnchorCheck) -> dict[str, Any]:
    """Everything."""
    return {
        "ok": check.ok,
        "findings": [asdict(finding) for finding in check.findings],
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
        "unread": first_of_each_kind(check.unread),
    }


def rows(check: AnchorCheck) -> pl.DataFrame:
    """One row per anchor."""
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
