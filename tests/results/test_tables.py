"""Tables and lines for terminals, files and notebooks."""

from __future__ import annotations

import builtins

import pytest

from headlab.results.tables import as_text, heading, line


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
