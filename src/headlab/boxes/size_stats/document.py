"""The sizes of boxes as a JSON document and as rows."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import polars as pl

from headlab.boxes.problems import first_of_each_kind
from headlab.boxes.size_stats.rows import SIZES

if TYPE_CHECKING:
    from headlab.boxes.size_stats.rows import SizeRow, Spread
    from headlab.boxes.size_stats.stats import SizeStats


def document(stats: SizeStats) -> dict[str, Any]:
    """Everything; docs/boxes.md describes the keys."""
    anchors = stats.anchors
    return {
        "data": list(stats.sources),
        "units": stats.units,
        "input_hw": stats.input_hw,
        "resize": stats.resize,
        "per_image": asdict(stats.per_image),
        "all": _row_document(stats, stats.all),
        "classes": [_row_document(stats, row) for row in stats.classes],
        "levels": [
            {
                "level": name,
                "stride": stats.levels.strides_px[level],
                "anchors": None
                if anchors is None
                else anchors.wh[list(anchors.by_level[level])].tolist(),
                "boxes": stats.all.by_level[level],
            }
            for level, name in enumerate(stats.levels.names)
        ],
        "unserved": stats.unserved,
        "skipped": dict(stats.skipped),
        "unread": first_of_each_kind(stats.unread),
    }


def rows(stats: SizeStats) -> pl.DataFrame:
    """One row per class."""
    return pl.DataFrame(
        [
            {
                "class_id": row.number,
                "class_name": row.name,
                "boxes": row.boxes,
                "share": row.share,
                "images": row.images,
                **_columns("width", row.width),
                **_columns("height", row.height),
                **_columns("side", row.side),
                **_columns("aspect", row.aspect),
                **_columns("area_share", row.area_share),
                **dict(zip(SIZES, row.by_size, strict=True)),
                **dict(zip(stats.levels.names, row.by_level, strict=True)),
            }
            for row in stats.classes
        ],
        infer_schema_length=None,
    )


def _row_document(stats: SizeStats, row: SizeRow) -> dict[str, Any]:
    return {
        **{key: value for key, value in asdict(row).items() if key not in ("number", "name")},
        "class_id": row.number,
        "class_name": row.name,
        "by_size": dict(zip(SIZES, row.by_size, strict=True)),
        "by_level": dict(zip(stats.levels.names, row.by_level, strict=True)),
    }


def _columns(name: str, spread: Spread | None) -> dict[str, float | None]:
    if spread is None:
        return {f"{name}_5": None, f"{name}_50": None, f"{name}_95": None}
    return {f"{name}_5": spread.low, f"{name}_50": spread.median, f"{name}_95": spread.high}
