"""Text in any script: on a machine without fonts too, and never as empty boxes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from headlab.results import fonts
from headlab.results.fonts import (
    FontBook,
    draws,
    fitted_line,
    font_files,
    legible,
    line_height,
    packaged_fonts,
    text_line,
    undrawn_note,
)

DEJAVU, IPAEX = packaged_fonts()
SIZES_PX = (13, 22, 79)


def ink(text: str, size_px: int = 24) -> np.ndarray:
    """Which pixels a line of text blackens, as (H, W)."""
    line = text_line(text, size_px)
    image = Image.new("RGB", (line.width_px, line.height_px), "white")
    line.draw(ImageDraw.Draw(image), 0, 0, (0, 0, 0))
    return np.asarray(image)[:, :, 0] < 128


def test_two_fonts_come_with_dependencies() -> None:
    assert [Path(path).name for path in (DEJAVU, IPAEX)] == ["DejaVuSans.ttf", "ipaexg.ttf"]


@pytest.mark.parametrize("text", ["bird ÄéŠ", "птица", "πουλί", "鳥", "トラック", "ひらがな、①②"])
def test_latin_greek_cyrillic_and_japanese_are_drawn_as_they_are(text: str) -> None:
    assert draws(text)
    assert legible(text) == text == text_line(text, 14).text
    assert ink(text).any()


def test_different_signs_look_different() -> None:
    pictures = [ink(sign).tobytes() for sign in "鳥犬猫人"]
    assert len(set(pictures)) == 4


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("새 bird", "\\uc0c8 bird"),
        ("car 🚗", "car \\U0001f697"),
        ("鳥鸟", "鳥\\u9e1f"),
    ],
)
def test_what_no_font_draws_is_written_as_an_escape(text: str, shown: str) -> None:
    assert not draws(text)
    assert legible(text) == text_line(text, 14).text == shown
    assert (ink(text) == ink(shown)).all()


def test_an_installed_font_is_asked_last_and_only_if_it_is_needed() -> None:
    asked = []

    def installed() -> tuple[str, ...]:
        asked.append(True)
        return (IPAEX,)

    book = FontBook((DEJAVU,), installed)
    assert book.path_for("é") == DEJAVU
    assert not asked
    assert book.path_for("鳥") == IPAEX
    assert book.path_for("새") is None
    assert book.legible("鳥새") == "鳥\\uc0c8"


def test_a_file_that_is_no_font_is_passed_over(tmp_path: Path) -> None:
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    book = FontBook((DEJAVU,), lambda: (str(broken), str(tmp_path / "gone.ttf"), IPAEX))
    assert book.path_for("鳥") == IPAEX


def test_the_installed_fonts_of_wide_coverage_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib import font_manager

    found = ["/f/Arial.ttf", "/f/unifont.otf", "/f/NotoSansCJK-Regular.ttc", "/f/meiryo.ttc"]
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: found)
    fonts.installed_fonts.cache_clear()
    try:
        order = [Path(path).name for path in fonts.installed_fonts()]
    finally:
        fonts.installed_fonts.cache_clear()
    assert order == ["NotoSansCJK-Regular.ttc", "meiryo.ttc", "unifont.otf", "Arial.ttf"]


def test_signs_stay_in_the_font_of_the_letters_before_them() -> None:
    line = text_line("トラック(貨物) 0.51", 14)
    assert [text for text, _ in line.pieces] == ["トラック(貨物) ", "0.51"]
    assert font_files("トラック 0.51") == [DEJAVU, IPAEX]
    assert font_files("bird") == [DEJAVU]


@pytest.mark.parametrize("size_px", SIZES_PX)
def test_all_lines_of_a_size_are_equally_high_and_hold_their_letters(size_px: int) -> None:
    for text in ("x", "Ågj", "鳥、", "gjpqy 鳥"):
        line = text_line(text, size_px)
        assert line.height_px == line_height(size_px)
        wide = Image.new("RGB", (line.width_px + 40, line.height_px + 40), "white")
        line.draw(ImageDraw.Draw(wide), 20, 20, (0, 0, 0))
        ys, xs = np.nonzero(np.asarray(wide)[:, :, 0] < 200)
        assert 18 <= xs.min() <= xs.max() <= 20 + line.width_px + 1
        assert 18 <= ys.min() <= ys.max() <= 20 + line.height_px + 1


def test_a_line_that_is_too_long_ends_in_an_ellipsis() -> None:
    text = "an animal whose name goes on and on"
    line = fitted_line(text, 14, 120)
    assert line.text.endswith("…")
    assert text.startswith(line.text[:-1])
    assert line.width_px <= 120 < text_line(text, 14).width_px
    assert text_line(text[: len(line.text)] + "…", 14).width_px > 120
    assert fitted_line("short", 14, 120).text == "short"


def test_names_written_with_escapes_are_listed_with_their_numbers() -> None:
    assert undrawn_note({0: "bird", 1: "鳥"}) == ""
    many = {number: f"새{number}" for number in range(7)}
    assert undrawn_note({14: "새"} | {2: "dog"}) == (
        "No available font covers these class names; they are shown with escapes: 14 = 새."
    )
    assert undrawn_note(many).endswith("3 = 새3, 4 = 새4, ….")
