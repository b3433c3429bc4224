"""Find a font that can draw a text: class names come in every script."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_NO_CHARACTER = "\U0010ffff"
_PROBE_SIZE = 24

# Parts of the file names of fonts with Chinese, Japanese or Korean characters, best first.
_WIDE_COVERAGE = (
    "notosanscjk",
    "notosansjp",
    "sourcehansans",
    "bizud",
    "ipaexg",
    "ipag",
    "takao",
    "vl-gothic",
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


def font_for(text: str, size_px: int) -> Font | None:
    """A font that draws every character of a text, or None if there is none on this machine."""
    path = _path_for(frozenset(text))
    return None if path is None else _load(path, size_px)


def default_font(size_px: int) -> Font:
    """The font for Latin text."""
    return _load(_default_path(), size_px)


@cache
def _path_for(characters: frozenset[str]) -> str | None:
    """The first font file that draws the characters; "" stands for Pillow's own font."""
    return next((path for path in _candidates() if _draws(path, characters)), None)


def _candidates() -> Iterable[str]:
    yield _default_path()
    yield from _system_fonts()


@cache
def _default_path() -> str:
    """DejaVu Sans as matplotlib ships it; "" (Pillow's own font) where that is absent."""
    found = importlib.util.find_spec("matplotlib")
    for folder in (found.submodule_search_locations or ()) if found else ():
        path = Path(folder) / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
        if path.is_file():
            return str(path)
    return ""


@cache
def _system_fonts() -> tuple[str, ...]:
    """The installed fonts of wide coverage first, then all others."""
    try:
        from matplotlib.font_manager import findSystemFonts
    except ImportError:
        return ()
    paths = sorted(findSystemFonts())
    return tuple(sorted(paths, key=_rank))


def _rank(path: str) -> int:
    name = Path(path).name.casefold()
    matching = (at for at, part in enumerate(_WIDE_COVERAGE) if part in name)
    return next(matching, len(_WIDE_COVERAGE))


@cache
def _load(path: str, size_px: int) -> Font:
    return ImageFont.truetype(path, size_px) if path else ImageFont.load_default(size_px)


def _draws(path: str, characters: Iterable[str]) -> bool:
    """Whether a font has a glyph for each character: the one for "no such character" differs."""
    try:
        font = _load(path, _PROBE_SIZE)
        nothing = _drawn(font, _NO_CHARACTER)
        return all(each.isspace() or _drawn(font, each) != nothing for each in characters)
    except (OSError, UnicodeError):
        return False


def _drawn(font: Font, character: str) -> bytes:
    canvas = Image.new("L", (2 * _PROBE_SIZE, 2 * _PROBE_SIZE))
    ImageDraw.Draw(canvas).text((0, 0), character, fill=255, font=font)
    return canvas.tobytes()
