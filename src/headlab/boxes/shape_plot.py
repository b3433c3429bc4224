"""Box shapes and anchors on logarithmic axes, drawn alike in every plot that shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headlab.results.colours import hex_colour, level_colour
from headlab.results.plotting import INK, plain_ticks

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes

    from headlab.boxes.shapes import Shapes
    from headlab.heads.anchor_set import AnchorSet

_MOST_DRAWN = 200_000


def shape_density(
    axes: Axes, shapes: Shapes, others_wh: npt.NDArray[np.float64] | None = None
) -> None:
    """The density of box shapes in grey, on logarithmic axes.

    Args:
        axes: where to draw.
        shapes: the boxes.
        others_wh: widths and heights (K, 2) that the axes have to show, too.
    """
    from matplotlib.colors import LogNorm

    wh = np.asarray(shapes.wh[:: max(1, len(shapes) // _MOST_DRAWN)], np.float64)
    shown_wh = wh if others_wh is None else np.concatenate([wh, others_wh])
    low, high = shown_wh.min(), shown_wh.max()
    if high / low < 4:
        low, high = low / 2, high * 2
    edges = np.geomspace(low / 1.1, high * 1.1, 70)
    counts, _, _ = np.histogram2d(wh[:, 0], wh[:, 1], bins=(edges, edges))
    occupied = np.ma.masked_equal(counts.T, 0)
    norm = LogNorm(0.1, 4 * max(counts.max(), 2))
    axes.pcolormesh(edges, edges, occupied, cmap="Greys", norm=norm)
    axes.set(xscale="log", yscale="log", xlim=edges[[0, -1]], ylim=edges[[0, -1]], aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        plain_ticks(axis, edges[0], edges[-1])


def anchor_marks(axes: Axes, anchors: AnchorSet) -> None:
    """Every anchor as a mark in its level's colour, with its number."""
    for level, name in reversed(list(enumerate(anchors.levels.names))):
        wh = anchors.wh[list(anchors.by_level[level])]
        if len(wh):
            label = f"{name}, stride {anchors.levels.strides_px[level]}"
            colour = hex_colour(level_colour(name))
            axes.plot(*wh.T, "o", color=colour, mec=INK, ms=9 + level, label=label)
    unused = [number for number in range(len(anchors)) if not anchors.levels_with(number)]
    if unused:
        axes.plot(*anchors.wh[unused].T, "X", color="white", mec=INK, ms=10, label="in no mask")
    for number, (w, h) in enumerate(anchors.wh.tolist()):
        axes.annotate(
            str(number), (w, h), xytext=(8, 5), textcoords="offset points", fontsize=9,
            fontweight="bold",
            bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip
    axes.legend(loc="upper left", fontsize=9, framealpha=0.85)
