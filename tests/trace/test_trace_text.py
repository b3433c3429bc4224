"""Tables and notebook pages of traces: what is written in which column."""

from __future__ import annotations

import pytest

from headlab.results.html import MOST_ROWS
from headlab.results.tables import console, line, show, table
from headlab.trace.html import trace_html
from headlab.trace.image import Skipped
from headlab.trace.text import detection_table, summary_text
from traced_rows import LEVELS, detection, rows, trace_of


def printed(capsys: pytest.CaptureFixture[str], *parts: object) -> list[str]:
    show(*parts)  # type: ignore[arg-type]
    return capsys.readouterr().out.splitlines()


def test_a_detection_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    row = detection(
        (140.6, 86, 601, 447.2), "P4", (12, 17), merged_P5=2, alone_P5=True, without_P4=True
    )
    lines = printed(capsys, detection_table(rows(row), LEVELS))
    assert lines[0].split() == [
        "#",
        "class",
        "score",
        "level",
        "cell",
        "box",
        "merged",
        "alone",
        "needs",
    ]
    words = "0 bird 0.83 P4/16 12,17 141,86,601,447 0/3/2 P4 P5 -"
    assert lines[1].split() == words.split()


def test_needs_names_the_levels_without_which_it_is_lost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = printed(capsys, detection_table(rows(detection((0, 0, 9, 9), "P5")), LEVELS))
    assert lines[1].split()[-2:] == ["P5", "P5"]


def test_the_angle_is_shown_where_there_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    row = detection((0, 0, 9, 9), "P3", (1, 2), angle_rad=0.5235987755982988)
    lines = printed(capsys, detection_table(rows(row), LEVELS))
    assert "angle" in lines[0]
    assert "30°" in lines[1]


def test_tables_fit_80_columns_and_have_no_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    wide = detection(
        (1234, 1234, 4321, 4321), "P5", (120, 117), class_name="a class of a very long name"
    )
    wide |= {f"{kind}_{level}": True for kind in ("alone", "without") for level in LEVELS}
    wide |= {f"merged_{level}": 123 for level in LEVELS}
    lines = printed(capsys, detection_table(rows(wide), LEVELS), *summary_text(trace_of(wide)))
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in "".join(lines)
    assert all(each == each.rstrip() for each in lines)


@pytest.mark.parametrize("width", ["40", "60"])
def test_a_narrow_terminal_loses_no_column(
    width: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    row = detection((1234, 1234, 4321, 4321), "P5", (120, 117), class_name="bird")
    text = "\n".join(printed(capsys, detection_table(rows(row), LEVELS)))
    headings = ["#", "class", "score", "level", "cell", "box", "merged", "alone", "needs"]
    cells = ["bird", "0.83", "P5/32", "120,117", "1234,1234,4321,4321", "0/0/3", "P5"]
    assert all(word in text.split() for word in (*headings, *cells))


def test_a_summary_counts_by_level(capsys: pytest.CaptureFixture[str]) -> None:
    found = [detection((0, 0, 9, 9), level) for level in ("P3", "P3", "P5", "P5")]
    found[0] |= {"alone_P5": True, "without_P3": True}
    skipped = (Skipped("bad.jpg", "why"),)
    lines = printed(capsys, *summary_text(trace_of(*found, skipped=skipped)))
    assert lines[1].split() == ["P3", "8", "px", "2", "50%", "2", "1"]
    assert lines[2].split() == ["P4", "16", "px", "0", "0%", "0", "0"]
    assert lines[3].split() == ["P5", "32", "px", "2", "50%", "3", "2"]
    assert lines[-1] == "1 image, 1 skipped, 4 detections"


def test_a_summary_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, *summary_text(trace_of())) == ["1 image, no detections"]


def test_names_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "\x1b[2Jbird\n[bold]x[/bold] :smile:"
    lines = printed(capsys, table(["class"], [[hostile]]), line(hostile))
    assert lines[-1] == r"\x1b[2Jbird\n[bold]x[/bold] :smile:"


def test_columns_sets_the_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert console().width == 80
    monkeypatch.setenv("COLUMNS", "132")
    assert console().width == 132


def test_a_notebook_page_is_escaped_and_bounded() -> None:
    found = [detection((0, 0, 9, 9), "P4", class_name="<script>")] * (MOST_ROWS + 1)
    page = trace_html(trace_of(*found))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert page.count("<tr>") == MOST_ROWS + 1  # the headings and the rows
    assert f"the first {MOST_ROWS} are shown" in page
    assert "background:#e69f00" in page
