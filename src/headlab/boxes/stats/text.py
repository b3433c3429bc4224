"""The sizes of boxes, as tables for a terminal, as JSON and as rows for CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from headlab.boxes.checking.text import counted, kinds_of
from headlab.boxes.stats.size_stats import MEDIUM_TO_PX, SIZES, SMALL_TO_PX
from headlab.plain_text import printable
from headlab.results.tables import heading, level_text, line, table

if TYPE_CHECKING:
    import polars as pl
    from rich.console import RenderableType
    from rich.text import Text

    from headlab.boxes.stats.size_stats import SizeRow, SizeStats, Spread
    from headlab.boxes.table import Problem

_MOST_CLASSES = 20
_LONGEST_NAME = 12


def stats_text(
    data: str, stats: SizeStats, unread: Sequence[Problem] = (), *, show_all: bool = False
) -> Iterator[RenderableType]:
    """The parts to print, in order.

    Args:
        data: what was described.
        stats: its boxes' sizes.
        unread: what was skipped while reading.
        show_all: every class, instead of the most frequent.
    """
    per = stats.per_image
    yield line(data, "bold")
    yield line(f"  images  {per.images:,}, {per.without_boxes:,} of them without boxes")
    yield line(
        f"  boxes   {stats.all.boxes:,} of {counted(len(stats.classes), 'class', 'classes')}; per image "
        f"{per.mean:.1f} on average, {per.median:g} in the median, {per.most:,} at most"
    )
    yield line(f"  sizes   {sizes_words(stats)}")
    yield from _left_out(stats, unread)
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
            f"{counted(stats.unserved, 'box', 'boxes')} fit best to an anchor that no level has.",
            "yellow",
        )
    if sum(stats.all.by_level) + stats.unserved > stats.all.boxes:
        yield line("Boxes whose anchor is on two levels count on both.")


def sizes_words(stats: SizeStats) -> str:
    """Which pixels the sizes are in."""
    if stats.input_hw is None:
        return "in pixels of the original photos"
    height, width = stats.input_hw
    how = "letterboxed" if stats.resize == "letterbox" else "stretched"
    return f"in pixels of the network's input, photos {how} to {width} x {height}"


def level_rules(stats: SizeStats) -> list[str]:
    """For each level, finest first, which boxes it takes."""
    if stats.anchors is not None:
        wh = stats.anchors.wh
        return [
            " ".join(f"{wh[at, 0]:.3g}x{wh[at, 1]:.3g}" for at in its)
            for its in stats.anchors.by_level
        ]
    edges = [f"{edge:.0f}" for edge in stats.levels.edges_px]
    if not edges:
        return ["all"]
    between = [f"{low} to {high} px" for low, high in pairwise(edges)]
    return [f"under {edges[0]} px", *between, f"{edges[-1]} px and more"]


def stats_document(data: str, stats: SizeStats, unread: Sequence[Problem] = ()) -> dict[str, Any]:
    """The same for JSON; docs/boxes.md describes its keys."""
    return {
        "data": data,
        "units": stats.units,
        "input_hw": stats.input_hw,
        "resize": stats.resize,
        "per_image": asdict(stats.per_image),
        "all": _row_document(stats, stats.all),
        "classes": [_row_document(stats, row) for row in stats.classes],
        "levels": [
            {
                "level": name,
                "stride": stats.levels.strides_px[at],
                "anchors": stats.anchors
                and stats.anchors.wh[list(stats.anchors.by_level[at])].tolist(),
                "boxes": stats.all.by_level[at],
            }
            for at, name in enumerate(stats.levels.names)
        ],
        "unserved": stats.unserved,
        "skipped": dict(stats.skipped),
        "unread": [asdict(each) for each in unread],
    }


def stats_rows(stats: SizeStats) -> pl.DataFrame:
    """One row per class."""
    import polars as pl

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


def _left_out(stats: SizeStats, unread: Sequence[Problem]) -> Iterator[Text]:
    for reason, count in stats.skipped.items():
        yield line(f"  left out: {counted(count, 'box', 'boxes')} {reason}", "yellow")
    if unread:
        kinds = ", ".join(f"{kind} ({count:,})" for _, kind, count in kinds_of(unread))
        first = unread[0]
        where = f"{first.where}: " if first.where else ""
        yield line(f"  skipped while reading: {kinds}; the first:", "yellow")
        yield line(f"    {where}{first.message}", "yellow")


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
        ["class", ">share", *(f">{each}" for each in (*SIZES, *levels))],
        [
            [
                _short(row.name),
                f"{row.share:.1%}",
                *(f"{each / row.boxes:.0%}" for each in (*row.by_size, *row.by_level)),
            ]
            for row in rows
        ],
    )


def _levels_table(stats: SizeStats) -> RenderableType:
    what = "sides (root of the area)" if stats.anchors is None else "anchors"
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
