"""The plot of a fit: boxes and anchors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlab.boxes.shape_plot import anchor_marks, shape_density
from headlab.results.plotting import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from headlab.anchors.fitting.fit import AnchorFit


def plot_fit(fit: AnchorFit) -> Figure:
    """The boxes' widths and heights on logarithmic axes, with the anchors by level."""
    figure, (axes,) = new_figure(1, (7.2, 6.6))
    shape_density(axes, fit.shapes, fit.anchors_wh)
    anchor_marks(axes, fit.anchor_set)
    where = "the network's input" if fit.units == "input" else "the original photos"
    axes.set_title(
        f"{fit.k} anchors for {fit.coverage.boxes:,} boxes: mean IoU {fit.mean_iou:.3f}, "
        f"IoU ≥ 0.5 for {fit.coverage.recall_50:.1%}",
        fontsize=11,
        loc="left",
    )
    axes.set(xlabel=f"width, pixels of {where}", ylabel=f"height, pixels of {where}")
    return figure
