"""Tables and lines for terminals, files and notebooks."""

from __future__ import annotations

import builtins

import pytest
from rich.console import Console

from headlab.results.tables import as_text, heading, line, table


class ZMQInteractiveShell:
    """rich knows a notebook by a shell of this name, and would display the text there instead."""


@pytest.fixture(params=["FORCE_COLOR", "TTY_COMPATIBLE", "notebook"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "notebook":
        monkeypatch.setattr(builtins, "get_ipython", ZMQInteractiveShell, raising=False)
    else:
        monkeypatch.setenv(request.param, "1")


@pytest.mark.usefixtures("place")
def test_text_is_plain_wherever_it_is_made() -> None:
    assert as_text(heading("Levels"), line("P3 [8 px] :cat:")) == "\nLevels\nP3 [8 px] :cat:"


def printed(columns: list[str], rows: list[list[object]], width: int) -> list[str]:
    plain = Console(width=width, color_system=None)
    with plain.capture() as captured:
        plain.print(table(columns, rows))
    return [each.rstrip() for each in captured.get().splitlines()]


def test_columns_that_do_not_fit_follow_below_with_the_first_one() -> None:
    """Widths 1, 4, 5, 6 and 4, and gaps of 2: all need 28; in 20, 1 + 2 + 4 + 2 + 5 = 14 and then 22."""
    columns, rows = [">#", "name", ">score", ">box", "alone"], [[0, "bird", 0.5, "1,2,34", "P5"]]
    assert printed(columns, rows, 40) == [
        "#  name  score     box  alone",
        "0  bird    0.5  1,2,34  P5",
    ]
    assert printed(columns, rows, 20) == [
        "#  name  score",
        "0  bird    0.5",
        "",
        "#     box  alone",
        "0  1,2,34  P5",
    ]


def test_long_text_is_folded_before_columns_move() -> None:
    lines = printed([">#", "name", ">score"], [[0, "a class of a very long name", 0.5]], 30)
    assert lines[0].split() == ["#", "name", "score"]
    assert " ".join(lines).count("0.5") == 1


@pytest.mark.parametrize("width", [1, 5, 11, 20, 33, 60, 80])
def test_no_width_loses_a_column(width: int) -> None:
    columns = [">#", "class", ">score", "level", ">cell", ">box", ">merged", "alone", "needs"]
    row = [0, "bird", "0.83", "P4/16", "12,17", "141,86,601,447", "0/3/2", "P4", "-"]
    text = "\n".join(printed(columns, [row], width))
    headings = [heading.removeprefix(">") for heading in columns]
    if width >= 20:
        assert all(heading in text for heading in headings)
        assert all(str(cell) in text for cell in row)
