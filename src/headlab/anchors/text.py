"""Fits, checks and comparisons of anchors as tables and sentences for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.text import Text

from headlab.anchors.formats import numbers_text
from headlab.anchors.verdicts import FEW_BOXES, SHAPE_FIT_ONLY
from headlab.boxes.checking.text import counted
from headlab.results.tables import heading, level_text, line, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from headlab.anchors.checking import Check
    from headlab.anchors.choose_k import Curve
    from headlab.anchors.class_loss import PerClass
    from headlab.anchors.findings import Finding
    from headlab.anchors.fitting import Fit
    from headlab.boxes.overlap import Coverage

_WIDTH = 100
_MOST_CLASSES = 20
_STYLES = {"problem": "bold red", "warning": "yellow", "note": "dim"}


def fit_text(fit: Fit) -> Iterator[RenderableType]:
    """The curve over k if there is one, the anchors by level, the figures, what to know."""
    if fit.curve is not None:
        yield from curve_text(fit.curve)
    names = fit.assignment.levels.names
    rows = [
        [at, f"{w:.4g}", f"{h:.4g}", level_text(names[level]), f"{served:,}", f"{share:.1%}"]
        for at, ((w, h), level, served, share) in enumerate(
            zip(
                fit.anchors_wh.tolist(),
                fit.assignment.level_of,
                fit.coverage.served,
                (each / fit.coverage.boxes for each in fit.coverage.served),
                strict=True,
            )
        )
    ]
    yield table([">anchor", ">width", ">height", "level", ">boxes", ">share"], rows)
    yield ""
    yield _figures(fit.coverage)
    yield from _skipped(fit.skipped)
    yield from _sentences(fit.notes)
    yield heading("anchors")
    yield line(numbers_text(fit))
    masks = "; ".join(",".join(map(str, mask)) for mask in fit.masks)
    yield line(f"masks, {names[-1]} first: {masks}")


def curve_text(curve: Curve) -> Iterator[RenderableType]:
    """Mean IoU and recall by the number of anchors."""
    rows = []
    before = None
    for point in curve.points:
        now = point.coverage
        gain = "" if before is None else f"{now.mean_iou - before:+.4f}"
        mark = "chosen" if point.k == curve.chosen else ""
        rows.append([point.k, f"{now.mean_iou:.4f}", gain, f"{now.recall_50:.1%}", mark])
        before = now.mean_iou
    yield table([">k", ">mean IoU", ">gain", ">IoU ≥ 0.5", ""], rows)
    yield from _sentences([curve.reason])
    yield ""


def check_text(check: Check) -> Iterator[RenderableType]:
    """Figures, anchors, levels, classes, findings."""
    yield _figures(check.coverage)
    yield from _skipped(check.skipped)
    yield from _sentences(check.notes)
    yield heading("boxes by anchor")
    boxes = check.coverage.boxes
    yield table(
        [">anchor", ">width", ">height", "level", ">boxes", ">share", ">mean IoU"],
        [
            [
                row.number,
                f"{row.wh[0]:.4g}",
                f"{row.wh[1]:.4g}",
                " ".join(row.levels) or "none",
                f"{row.boxes:,}",
                f"{row.boxes / boxes:.1%}",
                "-" if row.mean_iou is None else f"{row.mean_iou:.3f}",
            ]
            for row in check.by_anchor
        ],
    )
    yield heading("boxes by level")
    yield table(
        ["level", ">stride", "anchors", ">boxes", ">share", ">of its size", ">collided"],
        [
            [
                level_text(row.name),
                row.stride_px,
                ",".join(map(str, row.anchors)),
                f"{row.boxes:,}",
                f"{row.boxes / boxes:.1%}",
                f"{row.suited:,}",
                "-" if row.collided is None else f"{row.collided:,}",
            ]
            for row in check.by_level
        ],
    )
    yield line(
        "of its size: boxes whose side suits the level; collided: not learned, cell and anchor taken",
        "dim",
    )
    if check.by_class:
        yield from _classes(check)
    yield heading("findings")
    for each in check.findings:
        yield from _finding(each)


def _classes(check: Check) -> Iterator[RenderableType]:
    """The classes that are covered worst."""
    rows = sorted(check.by_class, key=lambda row: row.mean_iou)
    yield heading("boxes by class" if len(rows) <= _MOST_CLASSES else "boxes by class, the worst")
    yield table(
        ["class", ">boxes", ">mean IoU", ">IoU ≥ 0.5", ">IoU ≥ 0.25"],
        [
            [
                row.name,
                f"{row.boxes:,}",
                f"{row.mean_iou:.3f}",
                f"{row.recall_50:.1%}",
                f"{row.recall_25:.1%}",
            ]
            for row in rows[:_MOST_CLASSES]
        ],
    )
    if len(rows) > _MOST_CLASSES:
        yield line(
            f"and {counted(len(rows) - _MOST_CLASSES, 'class', 'classes')} more (--json has them)",
            "dim",
        )


def per_class_text(found: PerClass) -> Iterator[RenderableType]:
    """One row per class, the verdicts, and what they are about."""
    budget = found.budget.total
    rows = [
        [
            row.name,
            f"{row.boxes:,}",
            f"{row.shared_iou:.3f}",
            f"{row.own_iou:.3f}",
            f"{row.gain.mean:+.3f}",
            "-" if row.held_out_gain is None else f"{row.held_out_gain:+.3f}",
            f"{row.recall_gain.mean:+.3f}",
            f"{row.budget_iou:.3f} ({row.budget_k})",
        ]
        for row in found.judged
    ]
    yield table(
        ["class", ">boxes", ">shared", ">own", ">gain", ">unseen", ">recall", f">of {budget}"],
        rows,
    )
    yield from _sentences(
        [
            f"shared: mean IoU with {found.shared.k} anchors for all classes; own: with {found.shared.k} for "
            "the class alone; gain: the difference; unseen: the gain on "
            "photos that were not used for the fit; recall: gain in the share of boxes with IoU ≥ 0.5; "
            f"of {budget}: mean IoU (anchors) when {budget} anchors are shared out among the classes."
        ]
    )
    few = len(found.rows) - len(found.judged)
    if few:
        yield line(
            f"{counted(few, 'class', 'classes')} with fewer than {FEW_BOXES} boxes: see --csv or --json",
            "dim",
        )
    yield from _skipped(found.skipped)
    yield heading("class by class")
    for row in found.judged:
        yield line(row.verdict)
    yield heading("in all")
    yield from _sentences([found.verdict])
    yield heading("what this means")
    yield from _sentences([SHAPE_FIT_ONLY])


def _figures(covered: Coverage) -> Text:
    boxes = counted(covered.boxes, "box", "boxes")
    return line(
        f"{boxes}: mean IoU {covered.mean_iou:.4f}; IoU ≥ 0.5 for {covered.recall_50:.1%}, "
        f"≥ 0.25 for {covered.recall_25:.1%}; within a factor of 4 for {covered.recall_ratio_4:.2%}"
    )


def _skipped(skipped: Mapping[str, int]) -> Iterator[Text]:
    for reason, count in skipped.items():
        yield line(f"left out: {counted(count, 'box', 'boxes')} {reason}", "yellow")


def _finding(finding: Finding) -> Iterator[Text]:
    lead = Text(f"{finding.severity}: ", style=_STYLES[finding.severity])
    first, *rest = wrap(finding.message, _WIDTH - len(lead), break_on_hyphens=False)
    yield lead.append_text(line(first))
    for each in rest:
        yield line(f"  {each}")
    for at, each in enumerate(wrap(finding.advice, _WIDTH - 4, break_on_hyphens=False)):
        yield line(f"    {each}" if at else f"  → {each}")


def _sentences(texts: Sequence[str]) -> Iterator[Text]:
    for text in texts:
        for each in wrap(text, _WIDTH, break_on_hyphens=False):
            yield line(each)
