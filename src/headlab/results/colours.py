"""One fixed colour per level, distinguishable for colour-blind readers too.

Reference: M. Okabe, K. Ito, "Color Universal Design" (2008), the palette of eight colours.
"""

from __future__ import annotations

RGB = tuple[int, int, int]

_LEVELS: dict[str, RGB] = {
    "P1": (0, 114, 178),
    "P2": (204, 121, 167),
    "P3": (86, 180, 233),
    "P4": (230, 159, 0),
    "P5": (0, 158, 115),
    "P6": (213, 94, 0),
    "P7": (240, 228, 66),
}
_OTHER: RGB = (160, 160, 160)
_BLACK: RGB = (0, 0, 0)
_WHITE: RGB = (255, 255, 255)


def level_colour(level: str) -> RGB:
    """The colour of a level, the same in every picture; grey for a level beyond P7."""
    return _LEVELS.get(level, _OTHER)


def hex_colour(colour: RGB) -> str:
    """The colour as "#rrggbb"."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def ink_on(colour: RGB) -> RGB:
    """Black or white, whichever contrasts more with a background (WCAG relative luminance)."""
    linear = [_linear(channel / 255) for channel in colour]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return _BLACK if (luminance + 0.05) ** 2 > 1.05 * 0.05 else _WHITE


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
