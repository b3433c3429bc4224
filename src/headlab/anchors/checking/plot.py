"""The plot of a check: boxes and anchors, best overlaps, and boxes by anchor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headlab.boxes.shape_plot import anchor_marks, shape_density
from headlab.results.colours import hex_colour, level_colour
from headlab.results.plotting import GREY, INK, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from headlab.anchors.checking.check import AnchorCheck

_BARS = "#0072b2"


def plot_check(check: AnchorCheck) -> Figure:
    """Shapes and anchors, best overlaps, and boxes by anchor."""
    figure, (left, middle, right) = new_figure(3, (15, 4.8))
    shape_density(left, check.shapes, check.anchors.wh)
    anchor_marks(left, check.anchors)
    left.set(xlabel="width, px", ylabel="height, px")
    left.set_title("boxes and anchors", fontsize=11, loc="left")
    counts, edges = np.histogram(check.overlaps, bins=40, range=(0, 1))
    middle.bar(edges[:-1], counts, width=1 / 40, align="edge", color=_BARS, edgecolor="white")
    middle.axvline(check.coverage.mean_iou, color=INK, linewidth=1.5)
    middle.annotate(
        f"mean {check.coverage.mean_iou:.3f}",
        (check.coverage.mean_iou, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(-4, -12),
        textcoords="offset points",
        ha="right",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
    )
    middle.axvline(0.5, color=GREY, linewidth=1, linestyle="--")
    middle.set(xlabel="IoU with the best anchor", ylabel="boxes", xlim=(0, 1))
    under = 1 - check.coverage.recall_50
    middle.set_title(f"best IoU; {under:.1%} of the boxes below 0.5", fontsize=11, loc="left")
    _anchor_bars(right, check)
    return figure


def _anchor_bars(axes: Axes, check: AnchorCheck) -> None:
    names, counts, colours = [], [], []
    for row in check.by_anchor:
        names.append(f"{row.number}\n{row.wh[0]:.3g}\n×{row.wh[1]:.3g}")
        counts.append(row.boxes)
        colours.append(hex_colour(level_colour(row.levels[0])) if row.levels else "white")
    axes.bar(range(len(counts)), counts, color=colours, edgecolor=INK, linewidth=0.8)
    axes.set_xticks(range(len(names)), names, fontsize=8 if len(names) <= 12 else 6)
    axes.set(ylabel="boxes", xlabel="anchor: number, width × height")
    axes.set_title("boxes by anchor, in the colour of its level", fontsize=11, loc="left")
