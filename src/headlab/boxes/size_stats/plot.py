"""The plot of box sizes: of all boxes, by class and by level."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from headlab.boxes.input_size import size_text
from headlab.boxes.shape_plot import anchor_marks, shape_density
from headlab.boxes.size_stats.text import level_rules
from headlab.plain_text import printable
from headlab.results.colours import hex_colour, ink_on, level_colour
from headlab.results.plotting import INK, any_script, new_figure, plain_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from headlab.boxes.size_stats.rows import SizeRow
    from headlab.boxes.size_stats.stats import SizeStats

_MOST_CLASSES = 40
_LABELLED_FROM = 0.08
_TINT = 0.22


def plot_stats(stats: SizeStats) -> Figure:
    """Widths and heights of all boxes; sides by class; the levels that each class belongs to."""
    rows = [stats.all, *stats.classes[:_MOST_CLASSES]][::-1]
    height = max(5.4, 1.6 + 0.24 * len(rows))
    figure, (left, middle, right) = new_figure(3, (16, height), width_ratios=(1.15, 1.2, 0.9))
    _shapes_panel(left, stats)
    _sides_panel(middle, stats, rows)
    _levels_panel(right, stats, rows)
    return figure


def _shapes_panel(axes: Axes, stats: SizeStats) -> None:
    """The density of shapes, with the anchors, or with the areas that each level takes."""
    shape_density(axes, stats.shapes, None if stats.anchors is None else stats.anchors.wh)
    if stats.anchors is not None:
        anchor_marks(axes, stats.anchors)
    else:
        _level_areas(axes, stats)
    where = "the original photos" if stats.input_hw is None else "the network's input"
    axes.set(xlabel=f"width, pixels of {where}", ylabel=f"height, pixels of {where}")
    title = f"{stats.all.boxes:,} boxes"
    if stats.input_hw is not None:
        title += f" at {size_text(stats.input_hw)}"
    axes.set_title(title, fontsize=11, loc="left")
    axes.set_anchor("N")


def _level_areas(axes: Axes, stats: SizeStats) -> None:
    """Tint the widths and heights that each level takes; on these axes, equal areas are straight lines."""
    low, high = axes.get_xlim()
    ends = [low**2 / high, *stats.levels.edges_px, high**2 / low]
    ranges = zip(stats.levels.names, level_rules(stats), pairwise(ends), strict=True)
    for name, rule, (start, end) in ranges:
        axes.fill_between(
            (low, high), (start**2 / low, start**2 / high), (end**2 / low, end**2 / high),
            color=hex_colour(level_colour(name)), alpha=_TINT, linewidth=0, zorder=0,
            label=f"{name}: {rule}",
        )  # fmt: skip
    axes.legend(
        loc="upper left",
        fontsize=9,
        framealpha=0.85,
        title="side (root of the area)",
        title_fontsize=9,
    )


def _sides_panel(axes: Axes, stats: SizeStats, rows: list[SizeRow]) -> None:
    """The median and the range of sides of each class, on the ranges of the levels."""
    y = np.arange(len(rows))
    low = min(row.side.low for row in rows) / 1.15
    high = max(row.side.high for row in rows) * 1.15
    if stats.anchors is None:
        ends = np.clip([low, *stats.levels.edges_px, high], low, high)
        for name, start, end in zip(stats.levels.names, ends[:-1], ends[1:], strict=True):
            axes.axvspan(start, end, color=hex_colour(level_colour(name)), alpha=_TINT, linewidth=0)
    axes.hlines(
        y, [row.side.low for row in rows], [row.side.high for row in rows], color=INK, linewidth=1.6
    )
    axes.plot([row.side.median for row in rows], y, "o", color=INK, markersize=6)
    axes.set(xscale="log", xlim=(low, high), ylim=(-0.7, len(rows) - 0.3))
    plain_ticks(axes.xaxis, low, high)
    axes.set_yticks(y, [f"{printable(row.name)} ({row.boxes:,})" for row in rows])
    any_script(axes)
    axes.set_xlabel("side (root of the area), px: median, 5 % to 95 %")
    count = len(stats.classes)
    which = f", the {_MOST_CLASSES} most frequent of {count}" if count > _MOST_CLASSES else ""
    axes.set_title(f"sides by class (boxes){which}", fontsize=11, loc="left")


def _levels_panel(axes: Axes, stats: SizeStats, rows: list[SizeRow]) -> None:
    """The share of each class's boxes on each level, as bars of the levels' colours."""
    y = np.arange(len(rows))
    boxes = np.array([row.boxes for row in rows])
    start = np.zeros(len(rows))
    for level, name in enumerate(stats.levels.names):
        share = np.array([row.by_level[level] for row in rows]) / boxes
        colour = level_colour(name)
        axes.barh(
            y,
            share,
            left=start,
            color=hex_colour(colour),
            edgecolor="white",
            height=0.82,
            label=name,
        )
        for bar in np.flatnonzero(share >= _LABELLED_FROM):
            axes.text(
                start[bar] + share[bar] / 2, float(bar), f"{share[bar]:.0%}", ha="center",
                va="center", color=hex_colour(ink_on(colour)), fontsize=8,
            )  # fmt: skip
        start += share
    axes.set_yticks([])
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set(
        xlim=(0, max(1.0, float(start.max()))),
        ylim=(-0.7, len(rows) - 0.3),
        xlabel="share of the boxes",
    )
    axes.legend(
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=5,
        frameon=False,
        fontsize=9,
        handlelength=1,
        columnspacing=1,
    )
    what = "by side" if stats.anchors is None else "by anchor"
    axes.set_title(f"levels {what}", fontsize=11, loc="left")
