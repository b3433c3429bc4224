"""Traced detections as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from headlab.report.colours import hex_colour, level_colour
from headlab.report.row_words import alone, cell, frame_behind, merged, needed
from headlab.report.tables import line, table

if TYPE_CHECKING:
    import polars as pl
    from rich.console import RenderableType

    from headlab.trace.trace import Trace, TracedImage

NOTHING = "-"


def image_text(image: TracedImage, level_names: Sequence[str]) -> Iterator[RenderableType]:
    """One image or frame: a heading, and a row per detection."""
    height, width = image.image_bgr.shape[:2]
    input_height, input_width = image.input_hw_px
    count = image.detections.height
    found = f"{count} detection{'' if count == 1 else 's'}" if count else "no detections"
    title = line(f"{image.path}{frame_behind(image.frame)}: {found}", "bold")
    sizes = f"  {width} x {height} px, input {input_width} x {input_height} px"
    yield title.append_text(line(sizes, "dim"))
    if count:
        yield detection_table(image.detections, level_names)
    yield ""


def detection_table(detections: pl.DataFrame, level_names: Sequence[str]) -> RenderableType:
    """A row per detection; docs/tracing.md explains the columns."""
    rows = detections.to_dicts()
    rotated = any(row["angle_rad"] is not None for row in rows)
    columns = [">#", "class", ">score", "level", ">cell", ">box"]
    columns += [">angle"] if rotated else []
    columns += [">merged", "alone", "needs"]
    return table(columns, [_cells(row, level_names, rotated) for row in rows])


def _cells(row: Mapping[str, Any], level_names: Sequence[str], rotated: bool) -> list[object]:
    angle = row["angle_rad"]
    degrees = [f"{57.29577951308232 * angle:.0f}°" if angle is not None else ""] if rotated else []
    return [
        row["detection"],
        row["class_name"],
        f"{row['score']:.2f}",
        level_text(row["level"], f"/{row['stride_px']}"),
        cell(row),
        ",".join(f"{row[corner]:.0f}" for corner in ("x1", "y1", "x2", "y2")),
        *degrees,
        merged(row, level_names),
        " ".join(alone(row, level_names)) or NOTHING,
        " ".join(needed(row, level_names)) or NOTHING,
    ]


def level_text(name: str, rest: str = "") -> Text:
    """A level's name in its colour."""
    return Text(name, style=f"bold {hex_colour(level_colour(name))}").append(rest, style="not bold")


def summary_text(trace: Trace) -> Iterator[RenderableType]:
    """The whole run: detections by level, and how many images there were."""
    if trace.detections.height:
        yield level_table(trace)
        yield ""
    stills = trace.images["frame"].null_count()
    frames = trace.images.height - stills
    parts = [_counted(stills, "image"), _counted(frames, "frame")]
    read = " and ".join(part for part in parts if part) or "no images"
    skipped = f", {len(trace.skipped)} skipped" if trace.skipped else ""
    found = _counted(trace.detections.height, "detection") or "no detections"
    yield line(f"{read}{skipped}, {found}")


def level_table(trace: Trace) -> RenderableType:
    """Detections by level, and how many each level would find alone or is needed for."""
    detections, total = trace.detections, trace.detections.height
    rows = []
    for level in trace.layout.levels:
        here = int((detections["level"] == level.name).sum())
        alone = int(detections[f"alone_{level.name}"].sum())
        lost = total - int(detections[f"without_{level.name}"].sum())
        stride = f"{level.stride_px} px"
        rows.append([level_text(level.name), stride, here, f"{here / total:.0%}", alone, lost])
    columns = ["level", ">stride", ">detections", ">share", ">found alone", ">lost without"]
    return table(columns, rows)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}" if count else ""
