"""The size of a network's input that somebody asks for: whole pixels above 0, and not absurdly many."""

from __future__ import annotations

import os
from operator import index
from typing import TypeAlias

from headlab.errors import InputError

AskedSize: TypeAlias = int | tuple[int, int] | None
"""A side, (height, width), or None for the model's own."""

LARGEST_SIDE_PX = 32_768
"""The largest side of an input; memory usually allows far less."""

_SHOWN_CHARACTERS = 40

_LEAST_BYTES_PER_PX = 40
"""The photo at the input takes 15 bytes per pixel (uint8 and float32), the first feature maps the rest."""


def plain_size(imgsz: AskedSize, name: str) -> AskedSize:
    """A size with its sides as plain numbers; None stays None.

    Args:
        imgsz: what was asked for.
        name: of the setting, for messages.

    Raises:
        InputError: it is something else, or a side is larger than `LARGEST_SIDE_PX`.
    """
    if imgsz is None:
        return None
    several = isinstance(imgsz, (tuple, list))
    try:
        sides = tuple(map(_whole, imgsz if isinstance(imgsz, (tuple, list)) else (imgsz,)))
    except TypeError:
        sides = ()
    if len(sides) != (2 if several else 1):
        raise _not_pixels(name, imgsz)
    if max(sides) > LARGEST_SIDE_PX:
        raise InputError(
            f"{name} is {_shown(imgsz)}: at most {LARGEST_SIDE_PX} px are allowed.",
            "The usual sizes are 320 to 1280.",
        )
    return (sides[0], sides[1]) if several else sides[0]


def checked_size(imgsz: AskedSize, name: str = "imgsz") -> AskedSize:
    """The same, with sides above 0.

    Raises:
        InputError: see `plain_size`, or a side is not above 0.
    """
    size = plain_size(imgsz, name)
    if size is not None and min(size if isinstance(size, tuple) else (size,)) < 1:
        raise _not_pixels(name, imgsz)
    return size


def _not_pixels(name: str, imgsz: object) -> InputError:
    return InputError(
        f"{name} is {_shown(imgsz)}; positive pixels were expected.",
        "Give a side such as 640, or height and width as (480, 640).",
    )


def _shown(imgsz: object) -> str:
    """What was asked for; Python refuses to write a number of thousands of digits."""
    try:
        text = str(imgsz)
    except ValueError:
        return "a huge number"
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def check_memory(size_hw: tuple[int, int], least_bytes_per_px: int = _LEAST_BYTES_PER_PX) -> None:
    """Refuse an input that this machine's memory cannot hold.

    Args:
        size_hw: height and width in pixels.
        least_bytes_per_px: what a forward pass needs for each pixel of the input, at the least.

    Raises:
        InputError: the machine has less memory than that.
    """
    needed, there = size_hw[0] * size_hw[1] * least_bytes_per_px, _memory_bytes()
    if there and needed > there:
        raise InputError(
            f"An input of {size_hw[0]} x {size_hw[1]} px (height x width) needs more than "
            f"{needed / 2**30:,.0f} GiB of memory; this machine has {there / 2**30:,.0f} GiB.",
            "Give a smaller imgsz; the usual sizes are 320 to 1280.",
        )


def _whole(side: object) -> int:
    if isinstance(side, bool):
        raise TypeError
    return index(side)  # type: ignore[arg-type]


def _memory_bytes() -> int:
    """How much memory the machine has; 0 if it does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # pragma: no cover - not on Linux or macOS
        return 0
