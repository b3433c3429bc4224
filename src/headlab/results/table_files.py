"""Write results to files: whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headlab.files.atomic import replacing, write_bytes
from headlab.files.json_text import to_json

if TYPE_CHECKING:
    import polars as pl

    from headlab.comparison.compare import Comparison
    from headlab.heads.layout import Level
    from headlab.trace.trace import Trace


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document as JSON, UTF-8.

    Raises:
        OutputError: the file cannot be written.
    """
    write_bytes(path, to_json(document).encode("utf-8"))


def write_csv(path: Path, rows: pl.DataFrame) -> None:
    """Write a table as CSV, UTF-8, with a line of column names; a null is an empty field.

    Raises:
        OutputError: the file cannot be written.
    """
    with replacing(path) as file:
        rows.write_csv(file)


def write_parquet(path: Path, rows: pl.DataFrame) -> None:
    """Write a table as Parquet.

    Raises:
        OutputError: the file cannot be written.
    """
    with replacing(path) as file:
        rows.write_parquet(file)


def trace_document(trace: Trace, model: str) -> dict[str, Any]:
    """A trace as one JSON document; docs/tracing.md describes its keys."""
    return {
        "model": model,
        "head": trace.layout.head,
        "task": trace.layout.task,
        "levels": [_level(level) for level in trace.layout.levels],
        "settings": asdict(trace.settings),
        "images": trace.images.to_dicts(),
        "detections": trace.detections.to_dicts(),
        "skipped": [asdict(each) for each in trace.skipped],
    }


def _level(level: Level) -> dict[str, Any]:
    anchors = [list(anchor) for anchor in level.anchors_wh_px]
    return {
        "name": level.name,
        "stride_px": level.stride_px,
        "slots": level.slots,
        **({"anchors_wh_px": anchors} if anchors else {}),
    }


def comparison_document(comparison: Comparison, before: str, after: str) -> dict[str, Any]:
    """A comparison as one JSON document; docs/comparing.md describes its keys."""
    inference = None
    if comparison.shifts is not None:
        right, of = comparison.inference
        inference = {"shifts": dict(comparison.shifts), "right": right, "pairs": of}
    return {
        "before": before,
        "after": after,
        "settings": asdict(comparison.before.settings),
        "counts": comparison.counts,
        "inference": inference,
        "images": comparison.before.images.drop("detections").to_dicts(),
        "pairs": comparison.pairs.to_dicts(),
        "skipped": [asdict(each) for each in comparison.before.skipped],
    }
