"""Plots of fits, checks and comparisons of anchors, as PNG or SVG.

Levels have the colours that they have in every picture; see `headlab.results.colours`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from headlab.heads.anchor_set import AnchorSet
from headlab.plain_text import printable
from headlab.results.colours import hex_colour, level_colour
from headlab.results.plotting import (
    GREY,
    INK,
    MOST_CLASSES,
    anchor_marks,
    any_script,
    density,
    new_figure,
    save_drawing,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from headlab.anchors.checking import Check
    from headlab.anchors.class_loss import PerClass
    from headlab.anchors.fitting import Fit
    from headlab.boxes.shapes import Shapes

_SHARED, _OWN = "#0072b2", "#d55e00"


def plot_fit(path: Path, fit: Fit, shapes: Shapes) -> None:
    """The boxes' widths and heights on logarithmic axes, with the anchors by level.

    Raises:
        OutputError: the file cannot be written.
    """
    from headlab.anchors.api import as_anchor_set

    figure, axes = new_figure(1, (7.2, 6.6))
    _shapes_panel(axes[0], shapes, as_anchor_set(fit))
    where = "the network's input" if fit.units == "input" else "the original photos"
    axes[0].set_title(
        f"{fit.k} anchors for {fit.coverage.boxes:,} boxes: mean IoU {fit.coverage.mean_iou:.3f}, "
        f"IoU ≥ 0.5 for {fit.coverage.recall_50:.1%}",
        fontsize=11,
        loc="left",
    )
    axes[0].set_xlabel(f"width, pixels of {where}")
    axes[0].set_ylabel(f"height, pixels of {where}")
    save_drawing(figure, path)


def plot_check(path: Path, check: Check, shapes: Shapes) -> None:
    """Shapes and anchors, best overlaps, and boxes by anchor.

    Raises:
        OutputError: the file cannot be written.
    """
    figure, (left, middle, right) = new_figure(3, (15, 4.8))
    _shapes_panel(left, shapes, check.anchors)
    left.set(xlabel="width, px", ylabel="height, px")
    left.set_title("boxes and anchors", fontsize=11, loc="left")
    counts, edges = np.histogram(check.overlaps, bins=40, range=(0, 1))
    middle.bar(edges[:-1], counts, width=1 / 40, align="edge", color=_SHARED, edgecolor="white")
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
    middle.set_title(f"best IoU; {under:.1%} of the boxes under 0.5", fontsize=11, loc="left")
    _anchor_bars(right, check)
    save_drawing(figure, path)


def plot_per_class(path: Path, found: PerClass) -> None:
    """What each class would gain from anchors of its own, with intervals.

    Raises:
        OutputError: the file cannot be written.
    """
    rows = found.judged[:MOST_CLASSES][::-1]
    figure, (left, right) = new_figure(2, (12, 1.8 + 0.27 * len(rows)), width_ratios=(1, 1.25))
    y = np.arange(len(rows))
    left.hlines(y, [row.shared_iou for row in rows], [row.own_iou for row in rows], color=GREY)
    left.plot(
        [row.shared_iou for row in rows], y, "o", color=_SHARED, label=f"{found.shared.k} shared"
    )
    left.plot(
        [row.own_iou for row in rows], y, "D", color=_OWN, label=f"{found.shared.k} of its own"
    )
    left.set_yticks(y, [f"{printable(row.name)} ({row.boxes:,})" for row in rows])
    any_script(left)
    left.set(xlabel="mean IoU", ylim=(-0.7, len(rows) - 0.3))
    left.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=9)
    mean = np.array([row.gain.mean for row in rows])
    spread = np.array(
        [(row.gain.mean - row.gain.low, row.gain.high - row.gain.mean) for row in rows]
    )
    right.errorbar(
        mean, y, xerr=np.maximum(spread.T, 0), fmt="o", color=INK, ecolor=GREY, capsize=3,
        label="gain, with 95 % interval",
    )  # fmt: skip
    known = [
        (row.held_out_gain, at) for at, row in enumerate(rows) if row.held_out_gain is not None
    ]
    if known:
        right.plot(
            *zip(*known, strict=True), "x", color=_OWN, label="on photos not used for the fit"
        )
    right.axvline(0, color=INK, linewidth=0.8)
    right.set_yticks(y, [])
    right.set(xlabel="gain in mean IoU from anchors of its own", ylim=(-0.7, len(rows) - 0.3))
    right.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=9)
    for each in (left, right):
        each.grid(axis="x", color="#dddddd", linewidth=0.6)
    save_drawing(figure, path)


def _shapes_panel(axes: Axes, shapes: Shapes, anchors: AnchorSet) -> None:
    """The density of box shapes, and the anchors."""
    density(axes, shapes, anchors.wh)
    anchor_marks(axes, anchors)


def _anchor_bars(axes: Axes, check: Check) -> None:
    names, counts, colours = [], [], []
    for row in check.by_anchor:
        names.append(f"{row.number}\n{row.wh[0]:.3g}\n×{row.wh[1]:.3g}")
        counts.append(row.boxes)
        colours.append(hex_colour(level_colour(row.levels[0])) if row.levels else "white")
    axes.bar(range(len(counts)), counts, color=colours, edgecolor=INK, linewidth=0.8)
    axes.set_xticks(range(len(names)), names, fontsize=8 if len(names) <= 12 else 6)
    axes.set(ylabel="boxes", xlabel="anchor: number, width × height")
    axes.set_title("boxes by anchor, in the colour of its level", fontsize=11, loc="left")
