"""Plots of fits, checks and comparisons of anchors, as PNG or SVG.

Levels have the colours that they have in every picture; see `headlab.report.colours`.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headlab.anchors.anchor_set import AnchorSet
from headlab.checkpoint.atomic import write_bytes
from headlab.errors import OutputError
from headlab.plain_text import printable
from headlab.report.colours import hex_colour, level_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from headlab.anchors.checking import Check
    from headlab.anchors.class_loss import PerClass
    from headlab.anchors.fitting import Fit
    from headlab.anchors.shapes import Shapes

SUFFIXES = (".png", ".svg")

_INK = "#222222"
_SHARED, _OWN = "#0072b2", "#d55e00"
_GREY = "#999999"
_MOST_DRAWN = 200_000
_MOST_CLASSES = 60


def check_suffix(path: Path) -> None:
    """Refuse early a name that no plot can be saved under.

    Raises:
        OutputError: the name ends in something else than .png or .svg, or its folder is missing.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(
            f"{path}: a plot is saved as PNG or SVG.", "End the name in .png or .svg."
        )
    if not path.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent}.", "Make the folder first.")


def plot_fit(path: Path, fit: Fit, shapes: Shapes) -> None:
    """The boxes' widths and heights on logarithmic axes, with the anchors by level.

    Raises:
        OutputError: the file cannot be written.
    """
    from headlab.anchors.api import as_anchor_set

    figure, axes = _figure(1, (7.2, 6.6))
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
    _save(figure, path)


def plot_check(path: Path, check: Check, shapes: Shapes) -> None:
    """Shapes and anchors, best overlaps, and boxes by anchor.

    Raises:
        OutputError: the file cannot be written.
    """
    figure, (left, middle, right) = _figure(3, (15, 4.8))
    _shapes_panel(left, shapes, check.anchors)
    left.set(xlabel="width, px", ylabel="height, px")
    left.set_title("boxes and anchors", fontsize=11, loc="left")
    counts, edges = np.histogram(check.overlaps, bins=40, range=(0, 1))
    middle.bar(edges[:-1], counts, width=1 / 40, align="edge", color=_SHARED, edgecolor="white")
    middle.axvline(check.coverage.mean_iou, color=_INK, linewidth=1.5)
    middle.annotate(
        f"mean {check.coverage.mean_iou:.3f}",
        (check.coverage.mean_iou, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(-4, -12),
        textcoords="offset points",
        ha="right",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
    )
    middle.axvline(0.5, color=_GREY, linewidth=1, linestyle="--")
    middle.set(xlabel="IoU with the best anchor", ylabel="boxes", xlim=(0, 1))
    under = 1 - check.coverage.recall_50
    middle.set_title(f"best IoU; {under:.1%} of the boxes under 0.5", fontsize=11, loc="left")
    _anchor_bars(right, check)
    _save(figure, path)


def plot_per_class(path: Path, found: PerClass) -> None:
    """What each class would gain from anchors of its own, with intervals.

    Raises:
        OutputError: the file cannot be written.
    """
    rows = sorted(found.rows, key=lambda row: row.gain.mean)[-_MOST_CLASSES:]
    figure, (left, right) = _figure(2, (12, 1.8 + 0.27 * len(rows)), width_ratios=(1, 1.25))
    y = np.arange(len(rows))
    left.hlines(y, [row.shared_iou for row in rows], [row.own_iou for row in rows], color=_GREY)
    left.plot(
        [row.shared_iou for row in rows], y, "o", color=_SHARED, label=f"{found.shared.k} shared"
    )
    left.plot(
        [row.own_iou for row in rows], y, "D", color=_OWN, label=f"{found.shared.k} of its own"
    )
    left.set_yticks(y, [f"{printable(row.name)} ({row.boxes:,})" for row in rows])
    _any_script(left)
    left.set(xlabel="mean IoU", ylim=(-0.7, len(rows) - 0.3))
    left.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=9)
    mean = np.array([row.gain.mean for row in rows])
    spread = np.array(
        [(row.gain.mean - row.gain.low, row.gain.high - row.gain.mean) for row in rows]
    )
    right.errorbar(
        mean, y, xerr=np.maximum(spread.T, 0), fmt="o", color=_INK, ecolor=_GREY, capsize=3,
        label="gain, with 95 % interval",
    )  # fmt: skip
    known = [
        (row.held_out_gain, at) for at, row in enumerate(rows) if row.held_out_gain is not None
    ]
    if known:
        right.plot(
            *zip(*known, strict=True), "x", color=_OWN, label="on photos not used for the fit"
        )
    right.axvline(0, color=_INK, linewidth=0.8)
    right.set_yticks(y, [])
    right.set(xlabel="gain in mean IoU from anchors of its own", ylim=(-0.7, len(rows) - 0.3))
    right.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=9)
    for each in (left, right):
        each.grid(axis="x", color="#dddddd", linewidth=0.6)
    _save(figure, path)


def _figure(columns: int, size: tuple[float, float], **grid: Any) -> tuple[Figure, list[Axes]]:
    """A figure without a window system behind it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, columns, squeeze=False, gridspec_kw=grid or None)[0]
    for each in axes:
        each.spines[["top", "right"]].set_visible(False)
        each.set_axisbelow(True)
    return figure, list(axes)


def _shapes_panel(axes: Axes, shapes: Shapes, anchors: AnchorSet) -> None:
    """The density of box shapes, and every anchor as a mark of its level's colour, with its number."""
    from matplotlib.colors import LogNorm

    wh = np.asarray(shapes.wh[:: max(1, len(shapes) // _MOST_DRAWN)], np.float64)
    both = np.concatenate([wh, anchors.wh])
    low, high = both.min(), both.max()
    if high / low < 4:
        low, high = low / 2, high * 2
    edges = np.geomspace(low / 1.1, high * 1.1, 70)
    counts, _, _ = np.histogram2d(wh[:, 0], wh[:, 1], bins=(edges, edges))
    shown = np.ma.masked_equal(counts.T, 0)
    axes.pcolormesh(edges, edges, shown, cmap="Greys", norm=LogNorm(0.3, 4 * max(counts.max(), 2)))
    for level, name in reversed(list(enumerate(anchors.levels.names))):
        its = anchors.wh[list(anchors.by_level[level])]
        if len(its):
            label = f"{name}, stride {anchors.levels.strides_px[level]}"
            colour = hex_colour(level_colour(name))
            axes.plot(*its.T, "o", color=colour, mec=_INK, ms=9 + level, label=label)
    unused = [at for at in range(len(anchors)) if not anchors.levels_with(at)]
    if unused:
        axes.plot(*anchors.wh[unused].T, "X", color="white", mec=_INK, ms=10, label="in no mask")
    for at, (w, h) in enumerate(anchors.wh.tolist()):
        axes.annotate(
            str(at), (w, h), xytext=(8, 5), textcoords="offset points", fontsize=9, fontweight="bold",
            bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip
    axes.set(xscale="log", yscale="log", xlim=edges[[0, -1]], ylim=edges[[0, -1]], aspect="equal")
    ticks = [tick for tick in _TICKS if edges[0] <= tick <= edges[-1]]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks], minor=False)
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks], minor=False)
    axes.minorticks_off()
    axes.legend(loc="upper left", fontsize=9, framealpha=0.85)


_TICKS = [times * 10.0**power for power in range(-4, 6) for times in (1, 2, 5)]


def _anchor_bars(axes: Axes, check: Check) -> None:
    names, counts, colours = [], [], []
    for row in check.by_anchor:
        names.append(f"{row.number}\n{row.wh[0]:.3g}×{row.wh[1]:.3g}")
        counts.append(row.boxes)
        colours.append(hex_colour(level_colour(row.levels[0])) if row.levels else "white")
    axes.bar(range(len(counts)), counts, color=colours, edgecolor=_INK, linewidth=0.8)
    axes.set_xticks(range(len(names)), names, fontsize=8 if len(names) <= 9 else 6)
    axes.set(ylabel="boxes", xlabel="anchor: number, width × height")
    axes.set_title("boxes by anchor, in the colour of its level", fontsize=11, loc="left")


def _any_script(axes: Axes) -> None:
    """Give the names on the vertical axis fonts that can draw them: class names come in every script."""
    from matplotlib.font_manager import FontProperties

    from headlab.report.fonts import font_for

    for label in axes.get_yticklabels():
        path = getattr(font_for(label.get_text(), 10), "path", None)
        if isinstance(path, str) and not label.get_text().isascii():
            label.set_fontproperties(FontProperties(fname=path, size=10))


def _save(figure: Figure, path: Path) -> None:
    """Write the figure whole or not at all."""
    import matplotlib

    kind = path.suffix.lower().removeprefix(".")
    data = BytesIO()
    # Without a date and with fixed ids, the same plot is the same file.
    with matplotlib.rc_context({"svg.hashsalt": "headlab"}):
        figure.savefig(
            data, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None
        )
    write_bytes(path, data.getvalue())
