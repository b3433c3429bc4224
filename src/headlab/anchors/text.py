"""Lines that the texts of fits, checks and per-class views share."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import TYPE_CHECKING

from headlab.heads.detection import Resize
from headlab.plain_text import counted, size_text
from headlab.results.tables import line

if TYPE_CHECKING:
    from rich.text import Text

    from headlab.boxes.overlap import Coverage

WIDTH = 100
_RESIZED: dict[Resize, str] = {"letterbox": "letterboxed", "stretch": "stretched"}


def coverage_line(covered: Coverage) -> Text:
    """How well anchors cover boxes."""
    return line(
        f"{counted(covered.boxes, 'box', 'boxes')}: mean IoU {covered.mean_iou:.4f}; "
        f"IoU ≥ 0.5 for {covered.recall_50:.1%}, ≥ 0.25 for {covered.recall_25:.1%}; "
        f"within a factor of 4 for {covered.recall_ratio_4:.2%}"
    )


def input_line(
    units: str, input_hw: tuple[int, int] | None, resize: Resize | None
) -> Iterator[Text]:
    """Where boxes and anchors are measured, if that is known."""
    if units == "original":
        yield line("in pixels of the original photos")
    elif input_hw is not None:
        how = "" if resize is None else f"photos {_RESIZED[resize]} to "
        yield line(f"in pixels of the network's input, {how}{size_text(input_hw)}")


def sentences(*texts: str) -> Iterator[Text]:
    """Texts as lines that are not too long."""
    for text in texts:
        yield from map(line, wrap(text, WIDTH, break_on_hyphens=False))
