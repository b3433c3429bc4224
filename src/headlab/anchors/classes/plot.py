"""The plot of what each class would gain from anchors of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headlab.plain_text import printable
from headlab.results.plotting import GREY, INK, any_script, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from headlab.anchors.classes.per_class import AnchorsPerClass

_MOST_CLASSES = 60
"""The names of more classes would not be readable."""

_SHARED, _OWN = "#0072b2", "#d55e00"


def plot_per_class(view: AnchorsPerClass) -> Figure:
    """Mean IoU with shared and own anchors by class, and the gain on unseen photos with its interval."""
    rows = view.judged[:_MOST_CLASSES][::-1]
    figure, (left, right) = new_figure(2, (12, 1.8 + 0.27 * len(rows)), width_ratios=(1, 1.25))
    y = np.arange(len(rows))
    left.hlines(y, [row.shared_iou for row in rows], [row.own_iou for row in rows], color=GREY)
    left.plot(
        [row.shared_iou for row in rows], y, "o", color=_SHARED, label=f"{view.shared.k} shared"
    )
    left.plot(
        [row.own_iou for row in rows], y, "D", color=_OWN, label=f"{view.shared.k} of its own"
    )
    left.set_yticks(y, [f"{printable(row.name)} ({row.boxes:,})" for row in rows])
    any_script(left)
    left.set(xlabel="mean IoU", ylim=(-0.7, len(rows) - 0.3))
    left.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=9)
    unseen = any(row.held_out_gain is not None for row in rows)
    shown = [(row.held_out_gain or row.gain) for row in rows]
    mean = np.array([gain.mean for gain in shown])
    spread = np.array([(gain.mean - gain.low, gain.high - gain.mean) for gain in shown])
    where = "on photos not used for the fit" if unseen else "on the boxes of the fit"
    right.errorbar(
        mean, y, xerr=np.maximum(spread.T, 0), fmt="o", color=INK, ecolor=GREY, capsize=3,
        label=f"{where}, with 95 % interval",
    )  # fmt: skip
    if unseen:
        right.plot(
            [row.gain.mean for row in rows], y, "x", color=_OWN, label="on the boxes of the fit"
        )
    right.axvline(0, color=INK, linewidth=0.8)
    right.set_yticks(y, [])
    right.set(xlabel="gain in mean IoU from anchors of its own", ylim=(-0.7, len(rows) - 0.3))
    right.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=9)
    for axes in (left, right):
        axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    return figure
