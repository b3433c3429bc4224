"""What `headlab compare` shows: counts, pairs, class changes, and the verdict on the inference."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from rich.console import Console
from traced_rows import STRIDES_PX, detection, rows, trace_of

from headlab.report.comparison import comparison_text, side_by_side
from headlab.report.notebook import comparison_html
from headlab.trace.compare import Comparison, compare

A, B, C = (0, 0, 40, 40), (100, 0, 140, 40), (0, 100, 40, 140)


def _shown(comparison: Comparison, **options: Any) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        for part in comparison_text(comparison, **options):
            console.print(part)
    return captured.get()


def _shift_experiment() -> Comparison:
    """A bird of P4 became a cat; a cat of P3 stayed; an extra bird of P3 appeared."""
    before = trace_of(
        detection(A, "P4", class_id=0, class_name="bird"),
        detection(B, "P3", class_id=1, class_name="cat"),
    )
    after = trace_of(
        detection(A, "P4", class_id=1, class_name="cat"),
        detection(B, "P3", class_id=1, class_name="cat"),
        detection(C, "P3", class_id=0, class_name="bird"),
    )
    return compare(before, after, shifts={"P4": 1, "P5": 2})


def test_both_facts_of_the_experiment_are_told() -> None:
    text = _shown(_shift_experiment())
    assert "names the level that the address states for 2 of 2 matched detections" in text
    assert "1 box more" in text
    assert "bird -> cat (1)" in text
    lines = [line.split() for line in text.splitlines()]
    for count, kind in ((1, "unchanged"), (1, "class"), (0, "lost"), (1, "new")):
        assert any(words[:2] == [str(count), kind] for words in lines)
    assert any("bird" in line and "P4 right" in line for line in text.splitlines())


def test_levels_of_equal_shift_are_told_apart_by_nothing() -> None:
    plain = _shift_experiment()
    text = _shown(compare(plain.before, plain.after, shifts={"P4": 1}))
    assert "for 1 of 2 matched detections" in text
    assert "1 of them leave it open between levels of equal shift" in text


def test_long_runs_show_no_pairs() -> None:
    assert "P4 right" not in _shown(_shift_experiment(), most_rows=2)


def test_without_shifts_nothing_is_inferred() -> None:
    plain = _shift_experiment()
    text = _shown(compare(plain.before, plain.after))
    assert "experiment" not in text
    assert "inferred" not in text


def test_side_by_side_by_pixel() -> None:
    """Two photos of 200 px with a gap of 2 (1 % of the width), under titles of 2 * 11 px."""
    photo = np.full((150, 200, 3), 100, np.uint8)
    boxes = [rows(detection((20, 30, 90, 120), level, (5, 5))) for level in ("P4", "P5")]
    picture = side_by_side(photo, *boxes, (STRIDES_PX, STRIDES_PX), ("one", "two"))
    assert picture.image.size == (402, 172)
    assert picture.image.getpixel((20, 22 + 60)) == (230, 159, 0)
    assert picture.image.getpixel((202 + 20, 22 + 60)) == (0, 158, 115)
    assert picture.image.getpixel((200, 100)) == (255, 255, 255)
    title = np.asarray(picture.image)[:22, :200]
    assert title.min() < 100 < 255 == title.max()


def test_html_escapes_names() -> None:
    before = trace_of(detection(A, class_name="<b>bird</b>"))
    html = comparison_html(compare(before, before))
    assert "&lt;b&gt;bird" in html
    assert "<b>bird" not in html


def test_empty_comparison() -> None:
    nothing = trace_of()
    done = compare(nothing, nothing, shifts={"P4": 1})
    assert done.pairs.schema["agrees"] == pl.Boolean
    assert "0 of 0" in _shown(done)
