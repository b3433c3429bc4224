"""The first bytes of a model file, which tell most formats apart."""

from __future__ import annotations

from pathlib import Path

_COUNT = 16


def first_bytes(path: Path) -> bytes:
    """16 bytes, or as many as the file has; none where it cannot be read, which its reader explains."""
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(_COUNT)
    except OSError:
        return b""
