"""Import ultralytics so that it stays offline and quiet.

ultralytics may report usage, look for updates and install packages. What switches that off is read
when it is imported, so every module of headlab that needs it imports it through here.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
from collections.abc import Iterator
from functools import cache
from types import ModuleType

from headlab.extras import require

_SETTINGS = {
    "YOLO_OFFLINE": "true",
    "YOLO_AUTOINSTALL": "false",
    "YOLO_VERBOSE": "false",
}


@cache
def ultralytics(module: str = "") -> ModuleType:
    """ultralytics, or a module inside it such as "nn.tasks", with network and installer switched off.

    A user who wants them sets the same environment variables, which are then kept as they are.

    Raises:
        MissingExtra: ultralytics or PyTorch is not installed.
    """
    require("Running a network")
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    importlib.import_module("ultralytics.utils.events").events.enabled = False
    return importlib.import_module(f"ultralytics.{module}" if module else "ultralytics")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep ultralytics' log messages off the terminal, apart from errors."""
    logger = logging.getLogger("ultralytics")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
