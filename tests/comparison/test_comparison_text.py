"""What `headlab compare` shows: counts, pairs, class changes, and the verdict on the inference."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
from rich.console import Console

from headlab.comparison.compare import Comparison, compare
from headlab.comparison.html import comparison_html
from headlab.comparison.text import comparison_text
from headlab.heads.layout import Layout, Level
from traced_rows import STRIDES_PX, detection, trace_of

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
    assert "1 more box" in text
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


def _anchor_experiment(**shifts: int) -> str:
    """Of three anchors, one each of P4 and P5 detect; bird -> cat (+1), cat -> bird (+2), dog stays."""
    layout = Layout(
        head="YOLOv3-tiny",
        task="detect",
        levels=tuple(Level(name, STRIDES_PX[name], 3, ()) for name in ("P4", "P5")),
        class_names=("bird", "cat", "dog"),
        end_to_end=False,
        rotated=False,
    )
    found = [(A, "P5", 2, "bird", "cat"), (B, "P5", 1, "cat", "bird"), (C, "P4", 0, "dog", "dog")]
    before, after = (
        replace(
            trace_of(
                *(
                    detection(
                        each[0],
                        each[1],
                        slot=each[2],
                        class_name=each[side],
                        class_id=layout.class_names.index(each[side]),
                    )
                    for each in found
                )
            ),
            layout=layout,
        )
        for side in (3, 4)
    )
    by_place = {f"P{name[1]}/{name[3]}" if "_" in name else name: by for name, by in shifts.items()}
    return _shown(compare(before, after, shifts=by_place))


def test_the_anchor_is_named_with_the_level() -> None:
    text = _anchor_experiment(P5_2=1, P5_1=2)
    assert "names the level and anchor that the address states for 2 of 3 matched" in text
    assert "The class-shift experiment (P5/2 by 1, P5/1 by 2)" in text
    assert (
        "1 of them leave it open between anchors of equal shift: give each anchor a shift of its own"
        in text
    )
    lines = [line.split() for line in text.splitlines()]
    pairs = {words[0]: words for words in lines if words and words[0] in ("bird", "cat", "dog")}
    assert pairs["bird"][:3] == ["bird", "0.83", "P5/2"]
    assert pairs["bird"][-2:] == ["P5/2", "right"]
    assert pairs["cat"][-2:] == ["P5/1", "right"]
    assert pairs["dog"][-2:] == ["P4/P5", "open"]
    assert ["P5/1", "1", "cat", "->", "bird", "(1)"] in lines
    assert ["P5/2", "1", "bird", "->", "cat", "(1)"] in lines
    assert "Class changes by level and slot of the first model" in text


def test_heads_with_anchors_whose_levels_were_shifted_as_a_whole() -> None:
    text = _anchor_experiment(P5=1)
    assert "names the level that the address states for 2 of 3 matched" in text
    lines = [line.split() for line in text.splitlines()]
    pairs = {words[0]: words for words in lines if words and words[0] in ("bird", "cat", "dog")}
    assert pairs["bird"][-2:] == ["P5", "right"]
    assert pairs["cat"][-3:] == ["no", "level", "wrong"]
    assert pairs["dog"][-2:] == ["P4", "right"]


def test_long_runs_show_no_pairs() -> None:
    assert "P4 right" not in _shown(_shift_experiment(), most_rows=2)


def test_without_shifts_nothing_is_inferred() -> None:
    plain = _shift_experiment()
    text = _shown(compare(plain.before, plain.after))
    assert "experiment" not in text
    assert "inferred" not in text


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
