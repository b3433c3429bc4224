"""Photos of their own for every test."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from small_photos import MakePhoto


@pytest.fixture
def photo(tmp_path: Path) -> MakePhoto:
    """Make a photo of a size at a path below the test's folder; its content depends on `shade`."""

    def make(name: str, width: int = 8, height: int = 6, shade: int = 0) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (width, height), (shade, 0, 0)).save(path)
        return path

    return make
