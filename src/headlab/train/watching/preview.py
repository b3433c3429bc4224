"""A picture of the network's input: each image with its boxes and the slots that answer for them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from headlab.errors import InputError
from headlab.plain_text import counted, printable, size_text
from headlab.results.colours import RGB, level_colour
from headlab.results.fonts import text_line
from headlab.results.pictures.margin import DIM, INK, PAPER, Entry, flowing
from headlab.train.watching.preview_panel import Names, Panel, Place, class_colour, draw_panel
from headlab.yolov3.targets.result import Counts, Fate

if TYPE_CHECKING:
    from headlab.checkpoint.yolov3.description import Description
    from headlab.train.data.batch import Batch

_PANEL_PX = 720
_FONT_PX = 18
_LINE_PX = 28
_MARGIN_PX = 12
_MOST_CLASSES = 24


@dataclass(frozen=True)
class Sheet:
    """A sheet of images.

    Attributes:
        image: RGB.
        lines: what it shows, in words.
        notes: what could not be drawn or read, in words.
    """

    image: Image.Image
    lines: tuple[str, ...]
    notes: tuple[str, ...] = ()


def draw_batches(batches: Sequence[Batch], description: Description, count: int = 8) -> Sheet:
    """Draw the first samples of batches, with a heading and a legend above them.

    Args:
        batches: as the network sees them.
        description: the model's.
        count: how many samples at most.

    Raises:
        InputError: there is no sample.
    """
    panels = [panel for batch in batches for panel in panels_of(batch)][:count]
    if not panels:
        raise InputError("There is no image to draw.", "Give at least one batch.")
    names = Names.of(description.class_names)
    drawn = [draw_panel(panel, names, _PANEL_PX) for panel in panels]
    heading = tuple(_heading(panels, batches))
    columns = min(len(drawn), max(2, math.ceil(math.sqrt(len(drawn)))))
    cell = max(image.width for image in drawn), max(image.height for image in drawn) + _LINE_PX
    rows = -(-len(drawn) // columns)
    width = columns * (cell[0] + _MARGIN_PX) + _MARGIN_PX
    entries = tuple(_legend(panels, description, names))
    legend = flowing(entries, width - 2 * _MARGIN_PX, _FONT_PX)
    below = _MARGIN_PX + _LINE_PX * len(heading)
    top = below + legend.size_wh[1] + 2 * _MARGIN_PX
    sheet = Image.new("RGB", (width, top + rows * (cell[1] + _MARGIN_PX)), PAPER)
    canvas = ImageDraw.Draw(sheet)
    for at, line in enumerate(heading):
        _write(canvas, (_MARGIN_PX, _MARGIN_PX + at * _LINE_PX), line, INK)
    legend.draw(canvas, _MARGIN_PX, below)
    for at, (panel, picture) in enumerate(zip(panels, drawn, strict=True)):
        left = _MARGIN_PX + at % columns * (cell[0] + _MARGIN_PX)
        upper = top + at // columns * (cell[1] + _MARGIN_PX)
        _write(canvas, (left, upper), _caption(panel), DIM)
        sheet.paste(picture, (left, upper + _LINE_PX))
    failed = dict(each for batch in batches for each in batch.failed)
    skipped = tuple(f"skipped {path}: {reason}" for path, reason in failed.items())
    return Sheet(sheet, heading, (*names.notes, *skipped))


def panels_of(batch: Batch) -> Iterator[Panel]:
    """The samples of a batch, and for each box the slot that answers for it."""
    sources = map(tuple, batch.targets.sources().tolist())
    answers = dict(zip(sources, _places(batch), strict=True))
    fates = {fate: {tuple(where) for where in batch.targets.listed(fate).tolist()} for fate in Fate}
    for image, (pixels, boxes) in enumerate(zip(batch.pixels, batch.boxes, strict=True)):
        rows = range(len(boxes))
        yield Panel(
            pixels=pixels.permute(1, 2, 0).contiguous().numpy(),
            boxes=tuple(tuple(box) for box in boxes.tolist()),
            places=tuple(answers.get((image, row)) for row in rows),
            fates=tuple(next(fate for fate in Fate if (image, row) in fates[fate]) for row in rows),
            photo=batch.indices[image],
        )


def _places(batch: Batch) -> Iterator[Place]:
    """Level, stride, row, column, slot and anchor of each positive slot, in their order."""
    targets = batch.targets
    for at, grid in enumerate(targets.grids):
        flat, _ = targets.level(at)
        for index in flat.tolist():
            cell, slot = divmod(index % grid.candidates, grid.slots)
            row, col = divmod(cell, grid.width)
            yield grid.name, grid.stride_px, row, col, slot, grid.anchors_wh_px[slot]


def _heading(panels: Sequence[Panel], batches: Sequence[Batch]) -> Iterator[str]:
    sizes = sorted({panel.pixels.shape[:2] for panel in panels})
    shown = ", ".join(map(size_text, sizes))
    yield f"{counted(len(panels), 'image')} as the network sees them, {shown}"
    yield _counts_text(_sum(panels))


def _sum(panels: Sequence[Panel]) -> Counts:
    fates = [fate for panel in panels for fate in panel.fates if fate != Fate.PADDING]
    moved = fates.count(Fate.MOVED)
    lost, skipped = fates.count(Fate.LOST), fates.count(Fate.SKIPPED)
    return Counts(len(fates), fates.count(Fate.ASSIGNED) + moved, moved, lost, skipped)


def _counts_text(counts: Counts) -> str:
    text = f"{counted(counts.truths, 'box', 'boxes')}: {counts.assigned} assigned"
    text += f" ({counts.moved} moved to a free slot)" if counts.moved else ""
    text += f", {counts.lost} lost"
    return f"{text}, {counts.skipped} without area" if counts.skipped else text


def _caption(panel: Panel) -> str:
    return f"photo {panel.photo}: {_counts_text(_sum([panel]))}"


def _legend(panels: Sequence[Panel], description: Description, names: Names) -> Iterator[Entry]:
    """What the colours mean, then the signs."""
    used = sorted({int(box[4]) for panel in panels for box in panel.boxes})
    for number in used[:_MOST_CLASSES]:
        yield Entry(names.of_class(number), class_colour(number))
    if len(used) > _MOST_CLASSES:
        yield Entry(f"and {len(used) - _MOST_CLASSES} more classes")
    for level in description.level_names:
        anchors = " ".join(f"{w:g}x{h:g}" for w, h in description.anchors_of(level))
        yield Entry(f"{level}: cell, anchors {anchors}", level_colour(level))
    for sign in ("solid: box", "filled: the cell that answers", "dashed: its anchor"):
        yield Entry(sign)
    yield Entry("P5/2: level/slot")


def _write(canvas: ImageDraw.ImageDraw, at: tuple[int, int], text: str, ink: RGB) -> None:
    text_line(printable(text), _FONT_PX).draw(canvas, *at, ink)
