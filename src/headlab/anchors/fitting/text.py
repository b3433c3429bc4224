"""A fit as tables and sentences for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headlab.anchors.fitting.files import numbers_text
from headlab.anchors.text import coverage_line, input_line, sentences
from headlab.boxes.text import left_out_lines, unread_lines
from headlab.results.tables import heading, level_text, line, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from headlab.anchors.fitting.curve import Curve
    from headlab.anchors.fitting.fit import AnchorFit


def fit_text(fit: AnchorFit) -> Iterator[RenderableType]:
    """The curve over k if there is one, the anchors by level, the figures, what to know."""
    if fit.curve is not None:
        yield from curve_text(fit.curve)
    names = fit.assignment.levels.names
    boxes = fit.coverage.boxes
    rows = [
        [
            number,
            f"{w:.4g}",
            f"{h:.4g}",
            level_text(names[level]),
            f"{served:,}",
            f"{served / boxes:.1%}",
        ]
        for number, ((w, h), level, served) in enumerate(
            zip(
                fit.anchors_wh.tolist(),
                fit.assignment.level_of,
                fit.coverage.served,
                strict=True,
            )
        )
    ]
    yield table([">anchor", ">width", ">height", "level", ">boxes", ">share"], rows)
    yield ""
    yield coverage_line(fit.coverage)
    yield from input_line(fit.units, fit.input_hw, fit.resize)
    yield from left_out_lines(fit.skipped)
    yield from unread_lines(fit.unread)
    yield from sentences(*fit.notes)
    yield heading("anchors")
    yield line(numbers_text(fit))
    masks = "; ".join(",".join(map(str, mask)) for mask in fit.masks)
    yield line(f"masks, {names[-1]} first: {masks}")


def curve_text(curve: Curve) -> Iterator[RenderableType]:
    """Mean IoU and recall by the number of anchors."""
    rows = []
    previous = None
    for point in curve.points:
        mean_iou, recall = point.coverage.mean_iou, point.coverage.recall_50
        gain = "" if previous is None else f"{mean_iou - previous:+.4f}"
        mark = "chosen" if point.k == curve.chosen else ""
        rows.append([point.k, f"{mean_iou:.4f}", gain, f"{recall:.1%}", mark])
        previous = mean_iou
    yield table([">k", ">mean IoU", ">gain", ">IoU ≥ 0.5", ""], rows)
    yield from sentences(curve.reason)
    yield ""
