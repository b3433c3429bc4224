"""The paper around a photo: a legend of colours, and a numbered list of what does not fit on the photo."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image, ImageDraw

from headlab.results.colours import RGB, ink_on
from headlab.results.fonts import TextLine, line_height, text_line
from headlab.results.pictures.labels import Rect

PAPER: RGB = (250, 250, 250)
INK: RGB = (20, 20, 20)
DIM: RGB = (90, 90, 90)

_NARROW_LINES = 8
_GUTTER_WIDTH_LINES, _GUTTER_HEIGHT_LINES = 10, 5


class Entry(NamedTuple):
    """One entry of a legend or list.

    Attributes:
        text: what it says.
        colour: of the swatch before the text; None for an entry without one, which is dim.
        tag: what is written on the swatch, such as the number of a detection.
    """

    text: str
    colour: RGB | None = None
    tag: str = ""


@dataclass(frozen=True)
class Block:
    """Entries, laid out.

    Attributes:
        font_px: the size of letters.
        size_wh: the space that they take.
        items: left, top, width of the swatch, and the entry.
    """

    font_px: int
    size_wh: tuple[int, int]
    items: tuple[tuple[int, int, int, Entry], ...]

    def draw(self, canvas: ImageDraw.ImageDraw, left: int, top: int) -> None:
        """Draw them with their upper left corner at a point."""
        high = line_height(self.font_px)
        for x, y, swatch, entry in self.items:
            at = left + x
            if entry.colour is not None:
                box = (at, top + y, at + swatch - 1, top + y + high - 1)
                canvas.rectangle(box, fill=entry.colour)
                tag = _line(entry.tag, self.font_px)
                tag.draw(canvas, at + (swatch - tag.width_px) / 2, top + y, ink_on(entry.colour))
                at += swatch + _gap(self.font_px) // 2
            ink = DIM if entry.colour is None else INK
            _line(entry.text, self.font_px).draw(canvas, at, top + y, ink)


def flowing(entries: Sequence[Entry], most_px: int, font_px: int) -> Block:
    """Entries one after the other, wrapped to a width where possible."""
    gap, step = _gap(font_px), _step(font_px)
    items, x, y, widest = [], 0, 0, 0
    for entry in entries:
        swatch = _swatch(entry, font_px)
        width = _entry_width(entry, swatch, font_px)
        if x and x + width > most_px:
            x, y = 0, y + step
        items.append((x, y, swatch, entry))
        x += width + 2 * gap
        widest = max(widest, x - 2 * gap)
    return Block(font_px, (widest, y + line_height(font_px) if items else 0), tuple(items))


def in_columns(entries: Sequence[Entry], rows: int, font_px: int) -> Block:
    """Entries in columns of so many rows, filled from top to bottom."""
    step = _step(font_px)
    swatch, width = _widths(entries, font_px)
    columns = -(-len(entries) // rows)
    items = tuple(
        (at // rows * (width + 2 * _gap(font_px)), at % rows * step, swatch, entry)
        for at, entry in enumerate(entries)
    )
    high = (min(rows, len(entries)) - 1) * step + line_height(font_px)
    wide = columns * (width + 2 * _gap(font_px)) - 2 * _gap(font_px)
    return Block(font_px, (wide, high), items)


def rows_for_width(entries: Sequence[Entry], most_px: int, font_px: int) -> int:
    """How many rows the columns need so that all entries fit a width."""
    _, width = _widths(entries, font_px)
    gap = 2 * _gap(font_px)
    columns = max(1, (most_px + gap) // (width + gap))
    return -(-len(entries) // columns)


@dataclass(frozen=True)
class Margin:
    """What is written outside a photo.

    Attributes:
        font_px: the size of letters.
        legend: the colours and their meaning.
        key: what the signs mean, one line or several, dim.
        listed: a numbered list of what does not fit on the photo.
        listed_heading: above that list.
    """

    font_px: int
    legend: tuple[Entry, ...]
    key: tuple[Entry, ...] = ()
    listed: tuple[Entry, ...] = ()
    listed_heading: str = ""

    def blocks(self, size_wh: tuple[int, int], on_right: bool) -> Iterator[Block]:
        """The blocks from top to bottom, laid out for the space next to a photo or below it."""
        width, height = size_wh
        if on_right:
            yield in_columns(self.legend, max(len(self.legend), 1), self.font_px)
            yield in_columns(self.key, max(len(self.key), 1), self.font_px)
        else:
            yield flowing(self.legend, width, self.font_px)
            yield flowing(self.key, width, self.font_px)
        if not self.listed:
            return
        yield flowing([Entry(self.listed_heading)], width, self.font_px)
        rows = rows_for_width(self.listed, width, self.font_px)
        if on_right:
            above = len(self.legend) + len(self.key) + 3
            rows = max(rows, height // _step(self.font_px) - above)
        yield in_columns(self.listed, rows, self.font_px)


@dataclass(frozen=True)
class Sheet:
    """A photo's place on paper: the upper left corner.

    Attributes:
        photo_wh: the photo's width and height.
        font_px: the size of letters.
    """

    photo_wh: tuple[int, int]
    font_px: int

    @property
    def on_right(self) -> bool:
        """Whether the margin is on the right, as for an upright photo, and not below."""
        return self.photo_wh[1] > self.photo_wh[0]

    @property
    def field_wh(self) -> tuple[int, int]:
        """What labels may lie on: the photo and, where that is narrow, a strip of paper along it."""
        width, height = self.photo_wh
        step = _step(self.font_px)
        if min(width, height) >= _NARROW_LINES * step:
            return width, height
        if self.on_right:
            return width + _GUTTER_WIDTH_LINES * step, height
        return width, height + _GUTTER_HEIGHT_LINES * step

    def framed(
        self,
        photo: Image.Image,
        margin: Margin,
        labels: Sequence[Rect] = (),
        constant_size: bool = False,
    ) -> Image.Image:
        """The photo on paper with its margin.

        Args:
            photo: of the size that the sheet was made for.
            margin: what is written outside it.
            labels: where labels will be drawn; paper that they do not need is cut off.
            constant_size: cut nothing off, and make width and height even, for video frames.
        """
        width, height = self.field_wh
        if not constant_size:
            width = max([self.photo_wh[0], *(x2 for _, _, x2, _ in labels)])
            height = max([self.photo_wh[1], *(y2 for _, _, _, y2 in labels)])
        gap = _gap(self.font_px)
        room = (width - 2 * gap, height - 2 * gap)
        blocks = [block for block in margin.blocks(room, self.on_right) if block.items]
        wide = max((block.size_wh[0] for block in blocks), default=0) + 2 * gap
        high = sum(block.size_wh[1] + gap for block in blocks) + gap
        if self.on_right:
            size = [width + wide, max(height, high)]
            left, top = width + gap, gap
        else:
            size = [max(width, wide), height + high]
            left, top = gap, height + gap
        if constant_size:
            size = [side + side % 2 for side in size]
        sheet = Image.new("RGB", (size[0], size[1]), PAPER)
        sheet.paste(photo, (0, 0))
        canvas = ImageDraw.Draw(sheet)
        for block in blocks:
            block.draw(canvas, left, top)
            top += block.size_wh[1] + gap
        return sheet


def _line(text: str, font_px: int) -> TextLine:
    return text_line(text, font_px)


def _gap(font_px: int) -> int:
    return max(4, round(font_px * 0.6))


def _step(font_px: int) -> int:
    """From one line to the next."""
    return line_height(font_px) + max(2, font_px // 4)


def _swatch(entry: Entry, font_px: int) -> int:
    """The width of an entry's swatch."""
    if entry.colour is None:
        return 0
    tag = _line(entry.tag, font_px).width_px + _gap(font_px) if entry.tag else 0
    return max(line_height(font_px), tag)


def _entry_width(entry: Entry, swatch: int, font_px: int) -> int:
    text = _line(entry.text, font_px).width_px
    return text + (swatch + _gap(font_px) // 2 if swatch else 0)


def _widths(entries: Sequence[Entry], font_px: int) -> tuple[int, int]:
    """The width of the widest swatch and of the widest entry with that."""
    swatch = max((_swatch(entry, font_px) for entry in entries), default=0)
    width = max((_entry_width(entry, swatch, font_px) for entry in entries), default=0)
    return swatch, width
