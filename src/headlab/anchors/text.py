"""Lines that the texts of fits, checks and per-class views share."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import TYPE_CHECKING

from headlab.plain_text import counted
from headlab.results.tables import line

if TYPE_CHECKING:
    from rich.text import Text

    from headlab.boxes.overlap import Coverage

WIDTH = 100


def coverage_line(covered: Coverage) -> Text:
    """How well anchors cover boxes."""
    return line(
        f"{counted(covered.boxes, 'box', 'boxes')}: mean IoU {covered.mean_iou:.4f}; "
        f"IoU ≥ 0.5 for {covered.recall_50:.1%}, ≥ 0.25 for {covered.recall_25:.1%}; "
        f"within a factor of 4 for {covered.recall_ratio_4:.2%}"
    )


def sentences(*texts: str) -> Iterator[Text]:
    """Texts as lines that are not too long."""
    for text in texts:
        yield from map(line, wrap(text, WIDTH, break_on_hyphens=False))
