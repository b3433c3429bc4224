"""What each class would gain from anchors of its own, as a table and sentences for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headlab.anchors.classes.verdicts import FEW_BOXES, SHAPE_FIT_ONLY
from headlab.anchors.text import input_line, sentences
from headlab.boxes.text import left_out_lines, unread_lines
from headlab.plain_text import counted
from headlab.results.tables import NOTHING, heading, line, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from headlab.anchors.classes.bootstrap import Interval
    from headlab.anchors.classes.per_class import AnchorsPerClass


def _signed(gain: Interval | None) -> str:
    return NOTHING if gain is None else f"{gain.mean:+.3f}"


def _ends(gain: Interval | None) -> str:
    return NOTHING if gain is None else f"{gain.low:.2f} to {gain.high:.2f}"


def per_class_text(view: AnchorsPerClass) -> Iterator[RenderableType]:
    """One row per class, the verdicts, and what they are about."""
    budget = view.budget.total
    rows = [
        [
            row.name,
            f"{row.boxes:,}",
            f"{row.shared_iou:.3f}",
            f"{row.own_iou:.3f}",
            _signed(row.held_out_gain),
            _ends(row.held_out_gain),
            _signed(row.gain),
            f"{row.budget_iou:.3f} ({row.budget_k})",
        ]
        for row in view.judged
    ]
    yield table(
        [
            *("class", ">boxes", ">shared", ">own", ">unseen", ">95 %", ">fitted"),
            f">of {budget}",
        ],
        rows,
    )
    k = view.shared.k
    yield from sentences(
        f"shared: mean IoU with {k} anchors for all classes; own: with {k} for the class alone, on the boxes "
        "of the fit; unseen: the gain on photos that were not used for the fit, and its 95 % interval; "
        "fitted: own - shared, which is more than can be expected; "
        f"of {budget}: mean IoU (anchors) when {budget} anchors are divided among the classes."
    )
    few = len(view.classes) - len(view.judged)
    if few:
        yield line(
            f"{counted(few, 'class', 'classes')} with fewer than {FEW_BOXES} boxes: see --json or -o FILE",
            "dim",
        )
    shared = view.shared
    yield from input_line(shared.units, shared.input_hw, shared.resize)
    yield from left_out_lines(view.skipped)
    yield from unread_lines(view.unread)
    yield heading("class by class")
    for row in view.judged:
        yield line(row.verdict)
    yield heading("in all")
    yield from sentences(view.verdict)
    yield heading("what this means")
    yield from sentences(SHAPE_FIT_ONLY)
