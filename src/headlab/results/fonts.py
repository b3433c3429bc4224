r"""Lines of text in any script: class names come in all of them, and a machine may have no fonts at all.

Two fonts come with dependencies: DejaVu Sans with matplotlib (Latin, Greek, Cyrillic, …) and IPAexGothic with
matplotlib-fontja (Japanese). A character that neither has is drawn with an installed font. If no font
has it, it is written as an escape such as `\ud55c`, never as an empty box.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from headlab.results.colours import RGB

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

ELLIPSIS = "…"
_NO_CHARACTER = "\U0010ffff"
_PROBE_PX = 24
_TALL = "Ågj"
_MOST_NAMED = 5

# Where fonts lie within the packages that bring them, the one for Latin letters first.
_PACKAGED = (
    ("matplotlib", "mpl-data/fonts/ttf/DejaVuSans.ttf"),
    ("matplotlib_fontja", "fonts/ipaexg.ttf"),
)

# Parts of the file names of installed fonts of wide coverage, best first.
_WIDE_COVERAGE = (
    "notosanscjk",
    "notosansjp",
    "sourcehansans",
    "bizud",
    "hiragino",
    "yugoth",
    "meiryo",
    "msgothic",
    "notosanssc",
    "notosanskr",
    "pingfang",
    "applesdgothic",
    "malgun",
    "msyh",
    "wqy",
    "droidsansfallback",
    "arial unicode",
    "arialuni",
    "unifont",
)


class FontBook:
    """Fonts, tried in order for each character.

    Args:
        packaged: files of the fonts that are always there; the first one is for Latin letters. An empty
            name means Pillow's own font.
        installed: finds the machine's font files; called only if no packaged font has a character.
    """

    def __init__(self, packaged: Sequence[str], installed: Callable[[], Sequence[str]]) -> None:
        self._packaged = tuple(packaged)
        self._installed = installed
        self._of: dict[str, str | None] = {}

    @property
    def default(self) -> str:
        """The file of the font for Latin letters."""
        return self._packaged[0]

    def path_for(self, character: str) -> str | None:
        """The file of the first font that draws a character; None if there is none."""
        if character.isascii():
            return self.default
        if character not in self._of:
            self._of[character] = self._search(character)
        return self._of[character]

    def _search(self, character: str) -> str | None:
        for paths in (lambda: self._packaged, self._installed):
            path = next((path for path in paths() if _draws(path, character)), None)
            if path is not None:
                return path
        return None

    def draws(self, text: str) -> bool:
        """Whether there is a font for each character of a text."""
        return all(self.path_for(character) is not None for character in text)

    def legible(self, text: str) -> str:
        r"""The text with an escape, such as `\ud55c`, for each character that no font draws."""
        if text.isascii():
            return text
        return "".join(
            character if self.path_for(character) is not None else _escape(character)
            for character in text
        )

    def pieces(self, text: str) -> list[tuple[str, str]]:
        """A text in pieces with the file of the font that draws each.

        Spaces and signs stay in the font of the letters before them.
        """
        pieces: list[tuple[str, str]] = []
        for character in self.legible(text):
            path = self.path_for(character) or self.default
            if pieces:
                before, used = pieces[-1]
                if path == used or (not character.isalnum() and _draws(used, character)):
                    pieces[-1] = before + character, used
                    continue
            pieces.append((character, path))
        return pieces


@dataclass(frozen=True)
class TextLine:
    """One line of text, ready to be drawn.

    Attributes:
        pieces: its text, each part with its font.
        width_px: its width.
        height_px: the height of any line of this size, so that labels are equally high.
        baseline_px: from the top of the line to the foot of its letters.
    """

    pieces: tuple[tuple[str, Font], ...]
    width_px: int
    height_px: int
    baseline_px: int

    @property
    def text(self) -> str:
        """What it says."""
        return "".join(text for text, _ in self.pieces)

    def draw(self, canvas: ImageDraw.ImageDraw, left: float, top: float, ink: RGB) -> None:
        """Write it with its upper left corner at a point."""
        x = float(round(left))
        for text, font in self.pieces:
            canvas.text((x, round(top) + self.baseline_px), text, fill=ink, font=font, anchor="ls")
            x += font.getlength(text)


def text_line(text: str, size_px: int) -> TextLine:
    """A line of letters of a size.

    Args:
        text: what to write; characters that no font draws become escapes.
        size_px: the size of the letters, from one line to the next without any leading.
    """
    return _set(_book, text, size_px)


def fitted_line(text: str, size_px: int, most_px: int) -> TextLine:
    """A line no wider than that, cut off with an ellipsis if need be."""
    line = text_line(text, size_px)
    if line.width_px <= most_px:
        return line
    short, long = 0, len(text)
    while short < long:
        middle = (short + long + 1) // 2
        fits = text_line(text[:middle].rstrip() + ELLIPSIS, size_px).width_px <= most_px
        short, long = (middle, long) if fits else (short, middle - 1)
    return text_line(text[:short].rstrip() + ELLIPSIS, size_px)


def line_height(size_px: int) -> int:
    """The height of a line, from the top of an Å to the foot of a g."""
    return text_line("", size_px).height_px


def legible(text: str) -> str:
    r"""The text with an escape, such as `\ud55c`, for each character that no font draws."""
    return _book.legible(text)


def draws(text: str) -> bool:
    """Whether there is a font for each character of a text."""
    return _book.draws(text)


def undrawn_note(names: Mapping[int, str]) -> str:
    """A note about class names, by number, that are shown with escapes; empty if there are none."""
    undrawn = [f"{number} = {name}" for number, name in names.items() if not draws(name)]
    if not undrawn:
        return ""
    listed = ", ".join(undrawn[:_MOST_NAMED]) + (", …" if len(undrawn) > _MOST_NAMED else "")
    return f"No available font covers these class names; they are shown with escapes: {listed}."


def font_files(text: str) -> list[str]:
    """The files of the fonts that a text needs, the one for Latin letters first."""
    return list(dict.fromkeys([_book.default, *(path for _, path in _book.pieces(text))]))


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


@lru_cache(maxsize=4096)
def _set(book: FontBook, text: str, size_px: int) -> TextLine:
    pieces = tuple((piece, _load(path, size_px)) for piece, path in book.pieces(text))
    _, top, _, bottom = _load(book.default, size_px).getbbox(_TALL, anchor="ls")
    width = sum(font.getlength(piece) for piece, font in pieces)
    return TextLine(pieces, round(width + 0.49), round(bottom - top), round(-top))


@cache
def _load(path: str, size_px: int) -> Font:
    return ImageFont.truetype(path, size_px) if path else ImageFont.load_default(size_px)


@cache
def _draws(path: str, character: str) -> bool:
    """Whether a font has a glyph for a character: the one for "no such character" differs."""
    try:
        return character.isspace() or _drawn(path, character) != _missing(path)
    except (OSError, UnicodeError):
        return False


@cache
def _missing(path: str) -> bytes:
    return _drawn(path, _NO_CHARACTER)


def _drawn(path: str, character: str) -> bytes:
    canvas = Image.new("L", (2 * _PROBE_PX, 2 * _PROBE_PX))
    ImageDraw.Draw(canvas).text((0, 0), character, fill=255, font=_load(path, _PROBE_PX))
    return canvas.tobytes()


def packaged_fonts() -> tuple[str, ...]:
    """The fonts that come with dependencies, found without importing these."""
    paths = []
    for package, file in _PACKAGED:
        spec = importlib.util.find_spec(package)
        folders = (spec.submodule_search_locations or ()) if spec else ()
        paths += [str(Path(folder) / file) for folder in folders]
    return tuple(path for path in paths if Path(path).is_file()) or ("",)


@cache
def installed_fonts() -> tuple[str, ...]:
    """The machine's fonts, those of wide coverage first."""
    from matplotlib.font_manager import findSystemFonts

    return tuple(sorted(sorted(findSystemFonts()), key=_rank))


def _rank(path: str) -> int:
    name = Path(path).name.casefold()
    matching = (at for at, part in enumerate(_WIDE_COVERAGE) if part in name)
    return next(matching, len(_WIDE_COVERAGE))


_book = FontBook(packaged_fonts(), installed_fonts)
