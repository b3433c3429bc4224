"""A check of anchors as tables and sentences for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.text import Text

from headlab.anchors.text import WIDTH, coverage_line, input_line, sentences
from headlab.boxes.text import left_out_lines, unread_lines
from headlab.plain_text import counted
from headlab.results.tables import heading, level_text, line, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from headlab.anchors.checking.check import AnchorCheck
    from headlab.anchors.checking.findings import Finding

_MOST_CLASSES = 20
_STYLES = {"problem": "bold red", "warning": "yellow", "note": "dim"}


def check_text(check: AnchorCheck) -> Iterator[RenderableType]:
    """Figures, anchors, levels, classes, findings."""
    yield coverage_line(check.coverage)
    shapes = check.shapes
    yield from input_line(shapes.units, shapes.input_hw, shapes.resize)
    yield from left_out_lines(check.skipped)
    yield from unread_lines(check.unread)
    yield from sentences(*check.notes)
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
    for finding in check.findings:
        yield from _finding(finding)


def _classes(check: AnchorCheck) -> Iterator[RenderableType]:
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


def _finding(finding: Finding) -> Iterator[Text]:
    lead = Text(f"{finding.severity}: ", style=_STYLES[finding.severity])
    first, *rest = wrap(finding.message, WIDTH - len(lead), break_on_hyphens=False)
    yield lead.append_text(line(first))
    for part in rest:
        yield line(f"  {part}")
    for number, part in enumerate(wrap(finding.advice, WIDTH - 4, break_on_hyphens=False)):
        yield line(f"    {part}" if number else f"  → {part}")
