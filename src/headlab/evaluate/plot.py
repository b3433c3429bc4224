"""An evaluation as a figure: AP by class, the levels that find each class, what each level contributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headlab.plain_text import printable
from headlab.results.colours import hex_colour, level_colour
from headlab.results.plotting import GREY, INK, MOST_CLASSES, any_script, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from headlab.evaluate.evaluation import Evaluation

_LEAST_HEIGHT_IN = 3.6
_ROW_IN = 0.26
_WIDTH_IN = 12.0
_LIGHT = 0.55
_BAR = 0.38


def evaluation_figure(evaluation: Evaluation) -> Figure:
    """Three panels: AP50 and AP of each class; how much of it each level finds; each level's contribution.

    Classes without truths are left out, and of very many classes those with the fewest truths.
    """
    classes = evaluation.by_class.filter(pl.col("truths") > 0)
    shown = classes.sort("truths", descending=True).head(MOST_CLASSES)["class_id"]
    classes = classes.filter(pl.col("class_id").is_in(shown.implode()))
    height = max(_LEAST_HEIGHT_IN, 1.4 + _ROW_IN * classes.height)
    figure, (bars, shares, levels) = new_figure(
        3, (_WIDTH_IN, height), width_ratios=(5, 0.6 + 0.8 * len(evaluation.layout.levels), 4)
    )
    _class_bars(bars, classes, evaluation)
    _level_shares(shares, classes, evaluation)
    _level_bars(levels, evaluation)
    return figure


def _class_bars(axes: Axes, classes: pl.DataFrame, evaluation: Evaluation) -> None:
    """AP50 of each class, and AP within it."""
    at = np.arange(classes.height)
    axes.barh(at, classes["AP50"].fill_null(0).to_numpy(), 0.8, color="#c9c9c9")
    axes.barh(at, classes["AP"].fill_null(0).to_numpy(), 0.45, color="#6f6f6f")
    names = [
        f"{printable(name)} ({truths:,})"
        for name, truths in classes.select("class_name", "truths").iter_rows()
    ]
    axes.set_yticks(at, names)
    any_script(axes)
    axes.set(xlim=(0, 1), ylim=(classes.height - 0.5, -0.5))
    figures = evaluation.figures
    axes.set_title(
        f"AP50 {figures['AP50']:.3f} (light), AP {figures['AP']:.3f} (dark)", fontsize=10
    )
    axes.set_xlabel("average precision by class (number of truths)")


def _level_shares(axes: Axes, classes: pl.DataFrame, evaluation: Evaluation) -> None:
    """Which share of each class's truths each level finds at IoU 0.5."""
    levels = evaluation.layout.level_names
    shares = _shares(classes, evaluation)
    axes.imshow(shares, cmap="Greens", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        ink = "white" if share > _LIGHT else INK
        axes.annotate(
            f"{share:.0%}", (column, row), ha="center", va="center", color=ink, fontsize=8
        )
    axes.set_xticks(range(len(levels)), levels)
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_title("Truths found", fontsize=10)
    axes.set_xlabel("by level")


def _shares(classes: pl.DataFrame, evaluation: Evaluation) -> NDArray[np.float64]:
    """Recall by class and level, (classes, levels)."""
    recall = {
        (row["class_id"], row["level"]): row["recall"] or 0.0
        for row in evaluation.by_class_and_level.to_dicts()
    }
    levels = evaluation.layout.level_names
    return np.array(
        [[recall[number, level] for level in levels] for number in classes["class_id"]]
    ).reshape(classes.height, len(levels))


def _level_bars(axes: Axes, evaluation: Evaluation) -> None:
    """AP50 of each level's detections alone, and what would be lost without the level."""
    rows = evaluation.by_level.to_dicts()
    at = np.arange(len(rows))
    colours = [hex_colour(level_colour(row["level"])) for row in rows]
    alone = [row["AP50"] or 0.0 for row in rows]
    lost = [row["AP50_lost"] or 0.0 for row in rows]
    axes.bar(at - _BAR / 2, alone, _BAR, color=colours, alpha=0.45)
    axes.bar(at + _BAR / 2, lost, _BAR, color=colours)
    for x, value in [
        *zip(at - _BAR / 2, alone, strict=True),
        *zip(at + _BAR / 2, lost, strict=True),
    ]:
        axes.annotate(
            f"{value:.3f}", (x, max(value, 0)), ha="center", va="bottom", fontsize=8, color=INK
        )
    axes.axhline(0, color=GREY, lw=0.8)
    strides = evaluation.layout.stride_by_level
    axes.set_xticks(at, [f"{row['level']}/{strides[row['level']]}" for row in rows])
    axes.set_title("AP50 of each level alone (light),\nand lost without it (dark)", fontsize=10)
    axes.set_xlabel("level and its stride in pixels")
    axes.set_box_aspect(1)  # however many classes there are
    axes.set_anchor("N")
