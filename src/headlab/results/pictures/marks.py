"""Draw a detection's box, the cell that it came from, and the anchor that it started from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from PIL import ImageDraw

from headlab.results.colours import level_colour
from headlab.results.pictures.labels import Rect
from headlab.results.style import Style

CELL_OPACITY = 0.55
_SEAM = (0, 0, 0, 110)
_HALO = (255, 255, 255, 200)
_DASH = 4


def box_rect(row: Mapping[str, Any], size_wh: tuple[int, int], prefix: str = "") -> Rect:
    """The pixels of a box, at least one, inside the picture; the ends lie outside."""
    found = []
    for axis, most in zip("xy", size_wh, strict=True):
        start = min(max(round(row[f"{prefix}{axis}1"]), 0), most - 1)
        end = min(max(round(row[f"{prefix}{axis}2"]), start + 1), most)
        found.append((start, end))
    (x1, x2), (y1, y2) = found
    return x1, y1, x2, y2


def cell_rect(row: Mapping[str, Any], size_wh: tuple[int, int]) -> Rect | None:
    """The pixels of the cell; None where it lies in the padding around the photo."""
    width, height = size_wh
    seen = row["cell_x2"] > 0 and row["cell_y2"] > 0
    seen = seen and row["cell_x1"] < width and row["cell_y1"] < height
    return box_rect(row, size_wh, "cell_") if seen else None


def fill_cell(canvas: ImageDraw.ImageDraw, cell: Rect | None, colour: tuple[int, ...]) -> None:
    """Fill the cell with its level's colour, half transparent."""
    if cell is not None:
        x1, y1, x2, y2 = cell
        canvas.rectangle((x1, y1, x2 - 1, y2 - 1), fill=(*colour, round(255 * CELL_OPACITY)))


def outline_cell(
    canvas: ImageDraw.ImageDraw, row: Mapping[str, Any], cell: Rect | None, style: Style
) -> None:
    """The cell's edge, outside its filled pixels, and a line to the box's centre if that is elsewhere."""
    if cell is None:
        return
    colour = level_colour(row["level"])
    x1, y1, x2, y2 = cell
    edge = max(1, style.line_px // 2)
    centre = (row["x1"] + row["x2"]) / 2, (row["y1"] + row["y2"]) / 2
    if not (x1 <= centre[0] <= x2 and y1 <= centre[1] <= y2):
        canvas.line((*_edge_towards(cell, centre), *centre), fill=(*colour, 230), width=edge)
        _dot(canvas, centre, edge + 1, colour)
    ring = (x1 - edge - 1, y1 - edge - 1, x2 + edge, y2 + edge)
    canvas.rectangle(ring, outline=_HALO, width=1)
    frame = (x1 - edge, y1 - edge, x2 - 1 + edge, y2 - 1 + edge)
    canvas.rectangle(frame, outline=colour, width=edge)


def _edge_towards(cell: Rect, target: tuple[float, float]) -> tuple[float, float]:
    """Where the line from a cell's centre to a point outside leaves the cell."""
    x1, y1, x2, y2 = cell
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    dx, dy = target[0] - x, target[1] - y
    steps = [half / abs(d) for half, d in (((x2 - x1) / 2, dx), ((y2 - y1) / 2, dy)) if d]
    return x + dx * min(steps), y + dy * min(steps)


def _dot(
    canvas: ImageDraw.ImageDraw, at: tuple[float, float], radius: int, colour: tuple[int, ...]
) -> None:
    x, y = at
    canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def anchor_corners(row: Mapping[str, Any], image_px: float) -> tuple[float, float, float, float]:
    """The anchor's outline in pixels of the image, in the middle of its cell.

    That is the box which a slot of YOLOv3 gives when its raw outputs are 0.

    Args:
        row: a detection with an anchor.
        image_px: pixels of the image per pixel of the network's input.
    """
    x, y = (_cell_middle(row, axis, row["stride_px"] * image_px) for axis in "xy")
    half_w, half_h = row["anchor_w"] * image_px / 2, row["anchor_h"] * image_px / 2
    return x - half_w, y - half_h, x + half_w, y + half_h


def _cell_middle(row: Mapping[str, Any], axis: str, side: float) -> float:
    """The middle of the whole cell, of which the table gives the part that lies in the image."""
    start, end = row[f"cell_{axis}1"], row[f"cell_{axis}2"]
    return float(start + side / 2 if start > 0 else end - side / 2)


def draw_anchor(
    canvas: ImageDraw.ImageDraw, row: Mapping[str, Any], image_px: float, style: Style
) -> None:
    """The anchor's outline, dashed, in its level's colour with a dark seam under it."""
    x1, y1, x2, y2 = anchor_corners(row, image_px)
    colour, width = level_colour(row["level"]), max(1, style.line_px // 2)
    dash = _DASH * style.line_px
    for start, end in (
        ((x1, y1), (x2, y1)),
        ((x2, y1), (x2, y2)),
        ((x2, y2), (x1, y2)),
        ((x1, y2), (x1, y1)),
    ):
        for piece in _dashes(start, end, dash):
            canvas.line(piece, fill=_SEAM, width=width + 2)
            canvas.line(piece, fill=colour, width=width)


def _dashes(
    start: tuple[float, float], end: tuple[float, float], dash: float
) -> Iterator[list[tuple[float, float]]]:
    """Every other stretch of a line, as many as make the line begin and end with one."""
    length = math.dist(start, end)
    count = max(round(length / dash), 1) // 2 * 2 + 1
    for at in range(0, count, 2):
        yield [
            (
                start[0] + (end[0] - start[0]) * share / count,
                start[1] + (end[1] - start[1]) * share / count,
            )
            for share in (at, at + 1)
        ]


def draw_box(
    canvas: ImageDraw.ImageDraw, row: Mapping[str, Any], size_wh: tuple[int, int], style: Style
) -> None:
    """The box in its level's colour, its edge inside the box, with a dark seam around it."""
    colour, line = level_colour(row["level"]), style.line_px
    corners = rotated_corners(row)
    if corners is not None:
        closed = [*corners, corners[0]]
        canvas.line(closed, fill=_SEAM, width=line + 3, joint="curve")
        canvas.line(closed, fill=colour, width=line + 1, joint="curve")
        return
    x1, y1, x2, y2 = box_rect(row, size_wh)
    canvas.rectangle((x1 - 1, y1 - 1, x2, y2), outline=_SEAM, width=1)
    line = min(line, (x2 - x1 + 1) // 2, (y2 - y1 + 1) // 2)
    if line * 4 < min(x2 - x1, y2 - y1):
        inner = (x1 + line, y1 + line, x2 - 1 - line, y2 - 1 - line)
        canvas.rectangle(inner, outline=_SEAM, width=1)
    canvas.rectangle((x1, y1, x2 - 1, y2 - 1), outline=colour, width=max(line, 1))


def rotated_corners(row: Mapping[str, Any]) -> list[tuple[float, float]] | None:
    """The four corners of a rotated box, in order, in pixels of the image; None for an upright box.

    Its centre is that of the upright box around it.
    """
    angle, w, h = (row.get(name) for name in ("angle_rad", "obb_w", "obb_h"))
    if angle is None or w is None or h is None:
        return None
    cos, sin = math.cos(angle), math.sin(angle)
    mid_x, mid_y = (row["x1"] + row["x2"]) / 2, (row["y1"] + row["y2"]) / 2
    halves = ((w / 2, h / 2), (-w / 2, h / 2), (-w / 2, -h / 2), (w / 2, -h / 2))
    return [(mid_x + u * cos - v * sin, mid_y + u * sin + v * cos) for u, v in halves]
