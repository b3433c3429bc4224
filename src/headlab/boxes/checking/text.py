"""Findings in annotations, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headlab.boxes.problems import kinds_of
from headlab.boxes.text import kinds_table, problem_line, summary_lines
from headlab.results.tables import heading, line

if TYPE_CHECKING:
    from rich.console import RenderableType

    from headlab.boxes.checking.check import Findings

_SHOWN = 3


def findings_text(findings: Findings, *, show_all: bool = False) -> Iterator[RenderableType]:
    """The parts to print, in order.

    Args:
        findings: of a check.
        show_all: every finding, instead of the first few of each kind.
    """
    yield from summary_lines(findings.annotations)
    # A line of keras-yolo3's text and a file of Pascal VOC belong to one image, which is easily found there.
    with_image = findings.annotations.format in ("yolo", "coco")
    if not len(findings):
        yield heading("Nothing is wrong.")
        return
    yield heading(findings.summary)
    yield kinds_table(findings.problems)
    for severity, kind, count in kinds_of(findings):
        yield heading(kind)
        same = [each for each in findings if (each.severity, each.kind) == (severity, kind)]
        shown = same if show_all else same[:_SHOWN]
        for problem in shown:
            yield line(f"  {problem_line(problem, with_image=with_image)}")
        if count > len(shown):
            yield line(f"  and {count - len(shown):,} more (--all shows them)", "dim")
