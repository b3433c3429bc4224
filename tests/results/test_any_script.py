"""Names of any script on plots: in the fonts that come with dependencies, and without a warning."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from headlab.results.plotting import any_script, new_figure, save_drawing

NAMES = ["bird", "Äя ≥", "鳥 (12)", "トラック(貨物)", "새 x", "car 🚗\ufe0f", "a$b$\\frac $"]
SHOWN = [*NAMES[:4], "\\uc0c8 x", "car \\U0001f697\ufe0f", NAMES[-1]]


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_names_are_drawn_without_a_warning(tmp_path: Path, suffix: str) -> None:
    figure, (left, right) = new_figure(2, (8, 4))
    left.plot(range(len(NAMES)), range(len(NAMES)))
    left.set_yticks(range(len(NAMES)), NAMES)
    any_script(left)
    left.set_title("鳥 새 IoU ≥ 0.5")
    right.set(xscale="log", xlim=(1, 100))
    right.plot([1, 10], [1, 2], label="犬")
    right.legend()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_drawing(figure, tmp_path / f"plot{suffix}")
    assert [label.get_text() for label in left.get_yticklabels()] == SHOWN
    assert left.get_title() == "鳥 \\uc0c8 IoU ≥ 0.5"
    assert "10^" in right.get_xticklabels()[1].get_text(), "numbers stay formulas"
