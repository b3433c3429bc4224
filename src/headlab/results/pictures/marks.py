"""Draw boxes, cells and dashed outlines on a photo, with a seam that stands out from any background."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from PIL import ImageDraw

from headlab.results.colours import RGB
from headlab.results.pictures.labels import Rect

CELL_OPACITY = 0.45
_SEAM = (0, 0, 0, 110)
_HALO = (255, 255, 255, 200)
_DASH = 4

Point = tuple[float, float]
Edges = tuple[float, float, float, float]
"""x1, y1, x2, y2, between pixels."""


def pixels_of(edges: Edges, size_wh: tuple[int, int]) -> Rect:
    """The pixels of a rectangle, at least one, inside the picture; the ends lie outside."""
    x1, x2 = _ends(edges[0], edges[2], size_wh[0])
    y1, y2 = _ends(edges[1], edges[3], size_wh[1])
    return x1, y1, x2, y2


def _ends(start: float, end: float, most: int) -> tuple[int, int]:
    first = min(max(round(start), 0), most - 1)
    return first, min(max(round(end), first + 1), most)


def draw_box(canvas: ImageDraw.ImageDraw, box: Rect, colour: RGB, line_px: int) -> None:
    """An upright box, its edge inside it, with a dark seam on both sides."""
    x1, y1, x2, y2 = box
    canvas.rectangle((x1 - 1, y1 - 1, x2, y2), outline=_SEAM, width=1)
    line = min(line_px, (x2 - x1 + 1) // 2, (y2 - y1 + 1) // 2)
    if line * 4 < min(x2 - x1, y2 - y1):
        inner = (x1 + line, y1 + line, x2 - 1 - line, y2 - 1 - line)
        canvas.rectangle(inner, outline=_SEAM, width=1)
    canvas.rectangle((x1, y1, x2 - 1, y2 - 1), outline=colour, width=max(line, 1))


def draw_polygon(
    canvas: ImageDraw.ImageDraw, corners: Sequence[Point], colour: RGB, line_px: int
) -> None:
    """A rotated box, its edge along the lines between its corners."""
    closed = [*corners, corners[0]]
    canvas.line(closed, fill=_SEAM, width=line_px + 3, joint="curve")
    canvas.line(closed, fill=colour, width=line_px + 1, joint="curve")


def fill_cell(canvas: ImageDraw.ImageDraw, cell: Rect, colour: RGB) -> None:
    """Tint a cell with its level's colour, so that the photo shows through."""
    x1, y1, x2, y2 = cell
    canvas.rectangle((x1, y1, x2 - 1, y2 - 1), fill=(*colour, round(255 * CELL_OPACITY)))


def outline_cell(
    canvas: ImageDraw.ImageDraw, cell: Rect, centre: Point, colour: RGB, line_px: int
) -> None:
    """A cell's edge, outside its tinted pixels, and a line to the box's centre if that lies elsewhere."""
    x1, y1, x2, y2 = cell
    edge = max(1, line_px // 2)
    if not (x1 <= centre[0] <= x2 and y1 <= centre[1] <= y2):
        canvas.line((*_edge_towards(cell, centre), *centre), fill=(*colour, 230), width=edge)
        draw_dot(canvas, centre, edge + 1, colour)
    ring = (x1 - edge - 1, y1 - edge - 1, x2 + edge, y2 + edge)
    canvas.rectangle(ring, outline=_HALO, width=1)
    frame = (x1 - edge, y1 - edge, x2 - 1 + edge, y2 - 1 + edge)
    canvas.rectangle(frame, outline=colour, width=edge)


def _edge_towards(cell: Rect, target: Point) -> Point:
    """Where the line from a cell's centre to a point outside leaves the cell."""
    x1, y1, x2, y2 = cell
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    dx, dy = target[0] - x, target[1] - y
    steps = [half / abs(d) for half, d in (((x2 - x1) / 2, dx), ((y2 - y1) / 2, dy)) if d]
    return x + dx * min(steps), y + dy * min(steps)


def draw_dot(canvas: ImageDraw.ImageDraw, at: Point, radius: int, colour: RGB) -> None:
    """A small disc around a point."""
    x, y = at
    canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def draw_leader(canvas: ImageDraw.ImageDraw, line: Edges, colour: RGB, line_px: int) -> None:
    """A line from a label to its box."""
    width = max(2, line_px // 2)
    canvas.line(line, fill=_HALO, width=width + 2)
    canvas.line(line, fill=colour, width=width)


def draw_dashed(canvas: ImageDraw.ImageDraw, edges: Edges, colour: RGB, line_px: int) -> None:
    """A dashed outline, with a dark seam under it."""
    x1, y1, x2, y2 = edges
    width, dash = max(1, line_px // 2), _DASH * line_px
    for start, end in (
        ((x1, y1), (x2, y1)),
        ((x2, y1), (x2, y2)),
        ((x2, y2), (x1, y2)),
        ((x1, y2), (x1, y1)),
    ):
        for piece in _dashes(start, end, dash):
            canvas.line(piece, fill=_SEAM, width=width + 2)
            canvas.line(piece, fill=colour, width=width)


def _dashes(start: Point, end: Point, dash: float) -> Iterator[list[Point]]:
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
