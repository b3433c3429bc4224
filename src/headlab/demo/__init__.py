"""A tour of headlab, on a small detector that comes with it and scenes that are drawn on the spot.

    import headlab.demo

    headlab.demo.tour()  # draws scenes, shifts class rows, compares, saves pictures in demo-out
    headlab.demo.tour("yolov8n.pt", "photos")

Nothing is downloaded.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from headlab.extras import require

if TYPE_CHECKING:
    from headlab.demo.guide import Tour, tour
    from headlab.demo.scenes import Scene, draw_scene

__all__ = ["Scene", "Tour", "draw_scene", "tour"]

_HOMES = {
    "Scene": "headlab.demo.scenes",
    "Tour": "headlab.demo.guide",
    "draw_scene": "headlab.demo.scenes",
    "tour": "headlab.demo.guide",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for.

    Raises:
        MissingExtra: ultralytics is not installed.
    """
    if name not in _HOMES:
        raise AttributeError(f"module 'headlab.demo' has no attribute {name!r}")
    require("The demo")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
