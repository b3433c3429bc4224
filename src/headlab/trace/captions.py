"""Draw what is written on a picture: a label at each box, and the legend of levels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import ImageDraw

from headlab.plain_text import printable
from headlab.results.colours import ink_on, level_colour
from headlab.results.fonts import Font, default_font, font_for
from headlab.results.pictures.labels import Rect, Wanted, overlap, place
from headlab.results.pictures.marks import box_rect
from headlab.results.style import Style
from headlab.trace.row_words import slot_behind

_PANEL = (20, 20, 20, 190)
_PANEL_INK = (255, 255, 255)
_PANEL_DIM = (175, 175, 175)
_LEGEND_HEADING = ("level", "stride", "found")
_FAR_WIDER = 1.6
_LEAST_ROOM = 6


def _names(
    rows: Sequence[Mapping[str, Any]], font_px: int
) -> tuple[dict[int, str], tuple[str, ...]]:
    """The text for each class: its name, or its number where no font can draw the name."""
    names: dict[int, str] = {}
    undrawable: list[str] = []
    for row in rows:
        number, name = row["class_id"], printable(row["class_name"])
        if number not in names:
            drawn = font_for(name, font_px) is not None
            names[number] = name if drawn else f"class {number}"
            if not drawn:
                undrawable.append(f"{number} = {name}")
    if not undrawable:
        return names, ()
    listed = ", ".join(undrawable[:5]) + (", …" if len(undrawable) > 5 else "")
    return names, (
        f"No font on this machine draws these class names; their numbers are: {listed}.",
    )


def _forms(row: Mapping[str, Any], name: str) -> list[str]:
    """A label's texts, the longest first; the last is the detection's number in the table."""
    score = f"{row['score']:.2f}"
    full = f"{name} {score} {row['level']} ({row['row']},{row['col']}){slot_behind(row)}"
    return [full, f"{name} {score}", name, f"#{row['detection']}"]


def _fitting(texts: list[str], font: Font, box: Rect, style: Style) -> list[str]:
    """The texts that suit a box: where there is much to see, none that is far wider than the box."""
    if style.crowded:
        texts = texts[1:]
    if not style.busy:
        return texts
    most = max(_FAR_WIDER * (box[2] - box[0]), _text_width(texts[-2], font))
    return [text for text in texts if _text_width(text, font) <= most]


def draw_labels(
    canvas: ImageDraw.ImageDraw,
    rows: Sequence[Mapping[str, Any]],
    cells: Sequence[Rect | None],
    size_wh: tuple[int, int],
    style: Style,
) -> tuple[list[Rect], tuple[str, ...]]:
    """Draw the labels, the best scores first, and return where they are."""
    names, notes = _names(rows, style.font_px)
    best_first = sorted(rows, key=lambda row: -row["score"])
    boxes = [box_rect(row, size_wh) for row in best_first]
    texts = [_forms(row, names[row["class_id"]]) for row in best_first]
    fonts = [font_for(each[0], style.font_px) or default_font(style.font_px) for each in texts]
    forms = [_fitting(*each, style) for each in zip(texts, fonts, boxes, strict=True)]
    wanted = [
        Wanted(box, tuple(_label_size(text, font, style) for text in each))
        for box, each, font in zip(boxes, forms, fonts, strict=True)
    ]
    avoided = [cell for cell in cells if cell is not None]
    placed = place(wanted, size_wh, avoided, omit=style.busy)
    for row, each, font, where in zip(best_first, forms, fonts, placed, strict=True):
        if where is not None:
            _draw_label(canvas, each[where.form], font, where.rect, level_colour(row["level"]))
    if None in placed:
        notes += ("Some labels found no place and were left out.",)
    return [where.rect for where in placed if where is not None], notes


def _label_size(text: str, font: Font, style: Style) -> tuple[int, int]:
    left, _, right, _ = font.getbbox(text)
    margin = _margin(style)
    return round(right - left) + 2 * margin, _line_height(font) + margin


def _margin(style: Style) -> int:
    return max(2, style.font_px // 4)


def _line_height(font: Font) -> int:
    """The height of a line with ascenders and descenders, so that all labels are equally high."""
    _, top, _, bottom = font.getbbox("Ågj")
    return round(bottom - top)


def _draw_label(
    canvas: ImageDraw.ImageDraw, text: str, font: Font, rect: Rect, colour: tuple[int, int, int]
) -> None:
    x1, y1, x2, y2 = rect
    canvas.rectangle((x1, y1, x2 - 1, y2 - 1), fill=colour)
    _write(canvas, text, font, rect, ink_on(colour))


def _write(
    canvas: ImageDraw.ImageDraw, text: str, font: Font, rect: Rect, ink: tuple[int, int, int]
) -> None:
    """Write a line in the middle of a rectangle."""
    x1, y1, x2, y2 = rect
    left, _, right, _ = font.getbbox(text)
    _, top, _, bottom = font.getbbox("Ågj")
    at = ((x1 + x2 - right - left) / 2, (y1 + y2 - bottom - top) / 2)
    canvas.text((round(at[0]), round(at[1])), text, fill=ink, font=font)


def draw_legend(
    canvas: ImageDraw.ImageDraw,
    rows: Sequence[Mapping[str, Any]],
    labels: Sequence[Rect],
    strides_px: Mapping[str, int],
    size_wh: tuple[int, int],
    style: Style,
    note: str = "",
) -> None:
    """Draw the levels with stride and number of detections, in the corner that hides least.

    A legend that would take more than a sixth of the picture is left out.

    Args:
        canvas: what to draw on.
        rows: the detections.
        labels: where the labels are.
        strides_px: stride by level name.
        size_wh: the picture's width and height.
        style: the widths.
        note: a line below the levels, in Latin letters.
    """
    font, margin = default_font(style.font_px), _margin(style)
    count = Counter(row["level"] for row in rows)
    body = [(name, f"{stride} px", str(count[name])) for name, stride in strides_px.items()]
    lines = [_LEGEND_HEADING, *body]
    widths = [max(_text_width(row[at], font) for row in lines) for at in range(3)]
    line = _line_height(font) + margin
    width = max(line + sum(widths) + 10 * margin, _text_width(note, font) + 4 * margin)
    height = 2 * margin + line * (len(lines) + bool(note))
    if _LEAST_ROOM * width * height > size_wh[0] * size_wh[1]:
        return
    boxes = [box_rect(row, size_wh) for row in rows]
    x1, y1, x2, y2 = _corner((width, height), size_wh, labels, boxes, margin)
    canvas.rounded_rectangle((x1, y1, x2 - 1, y2 - 1), radius=margin, fill=_PANEL)
    left = x1 + 2 * margin
    for number, texts in enumerate(lines):
        top = y1 + margin + number * line
        if number:
            side, upper = line - margin - 1, top + margin // 2
            canvas.rectangle((left, upper, left + side, upper + side), fill=level_colour(texts[0]))
        ink = _PANEL_INK if number else _PANEL_DIM
        start = left + line
        for at, (text, column) in enumerate(zip(texts, widths, strict=True)):
            inset = column - _text_width(text, font) if at else 0
            _write_line(canvas, text, font, (start + inset, top), line, ink)
            start += column + 3 * margin
    if note:
        _write_line(canvas, note, font, (left, y2 - margin - line), line, _PANEL_DIM)


def _write_line(
    canvas: ImageDraw.ImageDraw,
    text: str,
    font: Font,
    at: tuple[int, int],
    height: int,
    ink: tuple[int, int, int],
) -> None:
    left, top = at
    _write(canvas, text, font, (left, top, left + _text_width(text, font), top + height), ink)


def _text_width(text: str, font: Font) -> int:
    left, _, right, _ = font.getbbox(text)
    return round(right - left)


def _corner(
    size: tuple[int, int],
    picture_wh: tuple[int, int],
    labels: Sequence[Rect],
    boxes: Sequence[Rect],
    margin: int,
) -> Rect:
    (width, height), (most_x, most_y) = size, picture_wh
    lefts, tops = (most_x - width - margin, margin), (margin, most_y - height - margin)
    corners = [(x, y, x + width, y + height) for y in tops for x in lefts]

    def hidden(rect: Rect) -> tuple[int, int]:
        return sum(overlap(rect, each) for each in labels), sum(overlap(rect, b) for b in boxes)

    return min(corners, key=hidden)
