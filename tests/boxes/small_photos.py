"""The type of the fixture `photo`, which makes small photos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

MakePhoto = Callable[..., Path]
