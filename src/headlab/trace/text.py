"""Traced detections as tables for a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.measure import Measurement

from headlab.plain_text import counted
from headlab.results.tables import NOTHING, level_text, line, table
from headlab.trace.groups import slot_column
from headlab.trace.row_words import (
    alone,
    box,
    box_and_anchor,
    cell,
    has_anchor,
    merged,
    merged_by_slot,
    needed,
    size,
)

if TYPE_CHECKING:
    import polars as pl
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from headlab.trace.image import TracedImage
    from headlab.trace.trace import Trace

MOST_LINES = 200
"""Of a trace that would fill more lines, only the summary is shown."""


def trace_text(trace: Trace) -> Iterator[RenderableType]:
    """The detections image by image, unless there are many, then the summary."""
    if trace.detections.height + len(trace) <= MOST_LINES:
        for image in trace:
            yield from image_text(image)
    yield from summary_text(trace)


def image_text(image: TracedImage) -> Iterator[RenderableType]:
    """One image or frame: a heading, and a row per detection."""
    height, width = image.size_hw_px
    input_height, input_width = image.input_hw_px
    count = image.detections.height
    found = counted(count, "detection") if count else "no detections"
    title = line(f"{image.name}: {found}", "bold")
    how = "stretched" if image.resize == "stretch" else "letterboxed"
    sizes = f"  {height} x {width} px, {how} to {input_height} x {input_width} px (height x width)"
    yield title.append_text(line(sizes, "dim"))
    if count:
        yield detection_table(image.detections, image.layout.level_names)
    yield ""


def detection_table(detections: pl.DataFrame, level_names: Sequence[str]) -> RenderableType:
    """A row per detection; docs/tracing.md explains the columns."""
    rows = detections.to_dicts()
    if any(map(has_anchor, rows)):
        return _AnchorTable(rows, level_names)
    rotated = any(row["angle_rad"] is not None for row in rows)
    columns = [*_PLACE, ">box", *([">angle"] if rotated else []), ">merged", *_FATE]
    return table(
        columns,
        (
            [
                *_place(row),
                box(row),
                *([_degrees(row)] if rotated else []),
                merged(row, level_names),
                *_fate(row, level_names),
            ]
            for row in rows
        ),
    )


_PLACE = (">#", "class", ">score", "level", ">cell")
_FATE = ("alone", "needs")


def _place(row: Mapping[str, Any]) -> list[object]:
    level = level_text(row["level"], f"/{row['stride_px']}")
    return [row["detection"], row["class_name"], f"{row['score']:.2f}", level, cell(row)]


def _fate(row: Mapping[str, Any], level_names: Sequence[str]) -> list[object]:
    found = alone(row, level_names), needed(row, level_names)
    return [" ".join(names) or NOTHING for names in found]


def _degrees(row: Mapping[str, Any]) -> str:
    angle = row["angle_rad"]
    return f"{math.degrees(angle):.0f}°" if angle is not None else ""


@dataclass(frozen=True)
class _AnchorTable:
    """The detections of a head with anchors: one table, or where that is too wide two of half the columns.

    Attributes:
        rows: the detections.
        level_names: the head's levels, finest first.
    """

    rows: Sequence[Mapping[str, Any]]
    level_names: Sequence[str]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        support = [*_MERGED, *_FATE]
        origin = [*_PLACE, ">slot", ">box", ">w x h / anchor"]
        whole = table(
            [*origin, *support], [[*self._origin(row), *self._support(row)] for row in self.rows]
        )
        if (
            Measurement.get(console, options.update_width(_ANY_WIDTH), whole).maximum
            <= options.max_width
        ):
            yield whole
            return
        yield table(origin, map(self._origin, self.rows))
        yield ""
        numbered = ([row["detection"], *self._support(row)] for row in self.rows)
        yield table([">#", *support], numbered)

    def _origin(self, row: Mapping[str, Any]) -> list[object]:
        return [*_place(row), row["slot"], box(row), box_and_anchor(row)]

    def _support(self, row: Mapping[str, Any]) -> list[object]:
        names = self.level_names
        by_slot = merged_by_slot(row, names) or NOTHING
        return [merged(row, names), by_slot, *_fate(row, names)]


_MERGED = (">merged", "by slot")
_ANY_WIDTH = 10_000


def summary_text(trace: Trace) -> Iterator[RenderableType]:
    """The whole run: detections by level, by slot where there are several, and how many images."""
    if trace.detections.height:
        yield level_table(trace)
        yield ""
        if trace.layout.has_slots:
            yield slot_table(trace)
            yield ""
    stills = trace.images["frame"].null_count()
    frames = trace.images.height - stills
    parts = [
        counted(number, noun) for number, noun in ((stills, "image"), (frames, "frame")) if number
    ]
    skipped = f", {len(trace.skipped)} skipped" if trace.skipped else ""
    count = trace.detections.height
    found = counted(count, "detection") if count else "no detections"
    yield line(f"{' and '.join(parts)}{skipped}, {found}")


_COUNTS = (">detections", ">share", ">found alone", ">lost without")


def level_table(trace: Trace) -> RenderableType:
    """Detections by level, and how many each level would find alone or is needed for."""
    found = trace.detections
    rows = [
        [
            level_text(level.name),
            f"{level.stride_px} px",
            *_counts(found, found["level"] == level.name, level.name),
        ]
        for level in trace.layout.levels
    ]
    return table(["level", ">stride", *_COUNTS], rows)


def slot_table(trace: Trace) -> RenderableType:
    """The same by slot, with the slot's anchor."""
    layout, found = trace.layout, trace.detections
    rows = []
    for place in layout.places:
        level, name = layout.levels[place.level], layout.place_name(place)
        here = (found["level"] == level.name) & (found["slot"] == place.slot)
        anchor = size(*level.anchors_wh_px[place.slot]) if level.anchors_wh_px else NOTHING
        counts = _counts(found, here, slot_column(name))
        rows.append([level_text(level.name, f"/{place.slot}"), anchor, *counts])
    return table(["slot", ">anchor w x h", *_COUNTS], rows)


def _counts(detections: pl.DataFrame, here: pl.Series, group: str) -> list[object]:
    """How many detections come from a group, their share, and how it supports all of them."""
    total, own = detections.height, int(here.sum())
    alone = int(detections[f"alone_{group}"].sum())
    lost = total - int(detections[f"without_{group}"].sum())
    return [own, f"{own / total:.0%}", alone, lost]
