"""The sizes of boxes as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from headlab.boxes.input_size import size_text
from headlab.boxes.size_stats.rows import MEDIUM_TO_PX, SIZES, SMALL_TO_PX
from headlab.boxes.text import left_out_lines, unread_lines
from headlab.plain_text import counted, printable
from headlab.results.tables import heading, level_text, line, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from headlab.boxes.size_stats.rows import SizeRow
    from headlab.boxes.size_stats.stats import SizeStats

_MOST_CLASSES = 20
_LONGEST_NAME = 12


def stats_text(stats: SizeStats, *, show_all: bool = False) -> Iterator[RenderableType]:
    """The parts to print, in order.

    Args:
        stats: the sizes.
        show_all: every class, instead of the most frequent.
    """
    per = stats.per_image
    yield line(", ".join(stats.sources) or stats.title, "bold")
    yield line(f"  images  {per.images:,}, {per.without_boxes:,} of them without boxes")
    yield line(
        f"  boxes   {stats.all.boxes:,} of {counted(len(stats.classes), 'class', 'classes')}; per image "
        f"{per.mean:.1f} on average, {per.median:g} in the median, {per.most:,} at most"
    )
    yield line(f"  sizes   {sizes_words(stats)}")
    yield from left_out_lines(stats.skipped, "  ")
    yield from unread_lines(stats.unread, "  ")
    shown = stats.classes if show_all else stats.classes[:_MOST_CLASSES]
    yield heading("by class: the median, and the range from 5 % to 95 % of the boxes")
    yield _sizes_table([*shown, stats.all])
    if len(shown) < len(stats.classes):
        rest = len(stats.classes) - len(shown)
        yield line(f"and {counted(rest, 'class', 'classes')} more (--all shows them)", "dim")
    yield heading("by size and by level: the share of each class's boxes")
    yield _shares_table(stats, [*shown, stats.all])
    yield heading("by size")
    limits = (
        f"under {SMALL_TO_PX:.0f} x {SMALL_TO_PX:.0f} px",
        f"under {MEDIUM_TO_PX:.0f} x {MEDIUM_TO_PX:.0f} px",
        "larger",
    )
    yield table(
        ["size", "area", ">boxes", ">share"],
        [
            [name, limit, f"{boxes:,}", f"{boxes / stats.all.boxes:.1%}"]
            for name, limit, boxes in zip(SIZES, limits, stats.all.by_size, strict=True)
        ],
    )
    yield heading("by level")
    yield _levels_table(stats)
    if stats.unserved:
        yield line(
            f"{counted(stats.unserved, 'box', 'boxes')} with a best anchor that no level has.",
            "yellow",
        )
    if sum(stats.all.by_level) + stats.unserved > stats.all.boxes:
        yield line("Boxes whose anchor is on two levels count on both.")


def sizes_words(stats: SizeStats) -> str:
    """Which pixels the sizes are in."""
    if stats.input_hw is None:
        return "in pixels of the original photos"
    how = "letterboxed" if stats.resize == "letterbox" else "stretched"
    return f"in pixels of the network's input, photos {how} to {size_text(stats.input_hw)}"


def level_rules(stats: SizeStats) -> list[str]:
    """For each level, finest first, which boxes it takes."""
    if stats.anchors is not None:
        wh = stats.anchors.wh
        return [
            " ".join(f"{wh[number, 0]:.3g}x{wh[number, 1]:.3g}" for number in numbers)
            for numbers in stats.anchors.by_level
        ]
    edges = [f"{edge:.0f}" for edge in stats.levels.edges_px]
    if not edges:
        return ["all"]
    between = [f"{low} to {high} px" for low, high in pairwise(edges)]
    return [f"under {edges[0]} px", *between, f"{edges[-1]} px and more"]


def _sizes_table(rows: Sequence[SizeRow]) -> RenderableType:
    """Medians and ranges; the share of the input's area where the input is known."""
    columns = ["class", ">boxes", ">images", ">width", "", ">height", "", ">w / h"]
    if rows[-1].area_share is not None:
        columns.append(">of input")
    return table(columns, map(_size_cells, rows))


def _size_cells(row: SizeRow) -> list[str]:
    cells = [_short(row.name), f"{row.boxes:,}", f"{row.images:,}"]
    for spread in (row.width, row.height):
        cells += [f"{spread.median:.0f}", f"{spread.low:.0f}-{spread.high:.0f}"]
    cells.append(f"{row.aspect.median:.2f}")
    if row.area_share is not None:
        cells.append(f"{row.area_share.median:.2%}")
    return cells


def _shares_table(stats: SizeStats, rows: Sequence[SizeRow]) -> RenderableType:
    levels = stats.levels.names
    return table(
        ["class", ">share", *(f">{name}" for name in (*SIZES, *levels))],
        [
            [
                _short(row.name),
                f"{row.share:.1%}",
                *(f"{count / row.boxes:.0%}" for count in (*row.by_size, *row.by_level)),
            ]
            for row in rows
        ],
    )


def _levels_table(stats: SizeStats) -> RenderableType:
    what = "sides (root of the area)" if stats.anchors is None else "anchors (width x height)"
    return table(
        ["level", ">stride", what, ">boxes", ">share"],
        [
            [level_text(name), stride, rule, f"{boxes:,}", f"{boxes / stats.all.boxes:.1%}"]
            for name, stride, rule, boxes in zip(
                stats.levels.names,
                stats.levels.strides_px,
                level_rules(stats),
                stats.all.by_level,
                strict=True,
            )
        ],
    )


def _short(name: str) -> str:
    shown = printable(name)
    return shown if len(shown) <= _LONGEST_NAME else f"{shown[: _LONGEST_NAME - 1]}…"
