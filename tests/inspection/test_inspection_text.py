"""What `headlab inspect` prints follows from what there is to show, whatever the family."""

from __future__ import annotations

from dataclasses import replace

from rich.console import Console

import yolov3_models
from headlab.families.identify import identify
from headlab.inspection.collect import inspection
from headlab.inspection.inspection import Inspection
from headlab.inspection.text import inspection_text


def printed(shown: Inspection) -> str:
    console = Console(width=120)
    with console.capture() as captured:
        console.print(*inspection_text(shown), sep="\n")
    return captured.get()


def test_a_head_without_class_rows_and_anchors() -> None:
    """As an exported model has it: then there are no tables of rows, and no columns of slots."""
    checkpoint = yolov3_models.random_model()
    shown = inspection(checkpoint, identify(checkpoint))
    whole = printed(shown)
    assert "Class rows: row a * 8 + 5 + i of each" in whole  # 5 + 3 classes
    assert "Rows by slot" in whole
    assert "anchors (w x h, px)" in whole
    plain = replace(
        shown,
        layout=replace(
            shown.layout,
            levels=tuple(
                replace(level, class_rows=(), anchors_wh_px=()) for level in shown.layout.levels
            ),
        ),
        levels=tuple(replace(level, class_rows=(), anchors_wh_px=()) for level in shown.levels),
    )
    text = printed(plain)
    for absent in ("Class rows", "Rows by slot", "anchors (w x h, px)", "slots"):
        assert absent not in text
    assert "candidates" in text
