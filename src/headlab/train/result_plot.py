"""Losses and average precision of a training, by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from headlab.results.plotting import GREY, INK, new_figure, plain_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from headlab.train.result import TrainingRun

_TRAIN, _VAL, _AP50, _AP, _AP75 = "#d55e00", "#0072b2", "#009e73", "#56b4e9", "#cc79a7"
_LOSSES = (("train/loss", "training", _TRAIN), ("val/loss", "validation", _VAL))
_SCORES = (("AP50", "AP50", _AP50), ("AP", "AP", _AP), ("AP75", "AP75", _AP75))
_LOG_FROM = 10
"""The loss axis is logarithmic if the largest loss is so many times the smallest."""

Curves = Sequence[tuple[str, str, str]]


def curves(run: TrainingRun) -> Figure:
    """Draw the losses, and average precision if there is any, with the stages and the best epoch."""
    has_scores = "AP50" in run.epochs.columns
    columns = 2 if has_scores else 1
    figure, axes = new_figure(columns, (6.5 * columns, 4.5))
    _draw(axes[0], run, _LOSSES, "loss")
    _logarithmic_if_wide(axes[0], run)
    if has_scores:
        _draw(axes[1], run, _SCORES, "average precision")
        axes[1].set_ylim(0, 1)
    for axis in axes:
        _mark_stages(axis, run)
        axis.legend(frameon=False, loc="best")
    figure.suptitle(f"{run.folder}: best epoch by {run.monitor}")
    return figure


def _draw(axes: Axes, run: TrainingRun, curves: Curves, label: str) -> None:
    from matplotlib.ticker import MaxNLocator

    number = list(range(1, run.epochs.height + 1))
    for column, name, colour in curves:
        if column not in run.epochs.columns:
            continue
        values = run.epochs[column].to_list()
        known = [(x, y) for x, y in zip(number, values, strict=True) if y is not None]
        axes.plot(*zip(*known, strict=True), "o-", color=colour, label=name, ms=3, lw=1.5)
    axes.set(xlabel="epoch", ylabel=label, xlim=(0.5, run.epochs.height + 0.5))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _logarithmic_if_wide(axes: Axes, run: TrainingRun) -> None:
    names = [name for name, _, _ in _LOSSES if name in run.epochs.columns]
    losses = [loss for name in names for loss in run.epochs[name].to_list() if loss is not None]
    finite = [loss for loss in losses if 0 < loss < float("inf")]
    if len(finite) == len(losses) and max(finite) > _LOG_FROM * min(finite):
        axes.set_yscale("log")
        plain_ticks(axes.yaxis, *axes.get_ylim())


def _mark_stages(axes: Axes, run: TrainingRun) -> None:
    """A line between the stages, their numbers at the top, and a line at the best epoch."""
    stages = run.epochs["stage"].to_list()
    for stage in sorted(set(stages)):
        first = stages.index(stage)
        if first:
            axes.axvline(first + 0.5, color=INK, lw=1)
        axes.annotate(
            f"stage {stage}",
            (first + 0.5, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(3, 3),
            textcoords="offset points",
            color=INK,
            fontsize=9,
        )
    best = [at for at, is_best in enumerate(run.epochs["best"].to_list(), 1) if is_best]
    if best:
        axes.axvline(best[-1], color=GREY, lw=1, ls="--", label="best epoch", zorder=0)
