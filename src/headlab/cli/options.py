"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headlab.errors import InputError

if TYPE_CHECKING:
    from headlab.detect.settings import Settings


def parse_imgsz(text: str) -> tuple[int, int]:
    """Read "640" or "480,640" (height, width) as the input's height and width in pixels.

    Raises:
        InputError: it is neither.
    """
    parts = [part.strip() for part in text.replace("x", ",").split(",")]
    if not 1 <= len(parts) <= 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise InputError(
            f"--imgsz {text!r} is no image size.", "Write 640, or height and width as 480,640."
        )
    return int(parts[0]), int(parts[-1])


def split_names(texts: list[str]) -> list[str]:
    """Class names or numbers from options that may be repeated, or hold several after commas."""
    return [name.strip() for text in texts for name in text.split(",") if name.strip()]


def detection_settings(*, imgsz: str | None, **others: Any) -> Settings:
    """Settings from the options of a command; see `headlab.detect.settings.Settings`.

    Raises:
        InputError: a value is out of range.
    """
    from headlab.detect.settings import Settings

    size = parse_imgsz(imgsz) if imgsz is not None else None
    return Settings(imgsz=size[0] if size and size[0] == size[1] else size, **others)
