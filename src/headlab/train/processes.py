"""Which of a training's processes this is."""

from __future__ import annotations

import os

_RANKS = ("LOCAL_RANK", "NODE_RANK", "GROUP_RANK")


def is_first() -> bool:
    """Whether this is the one process that prints and writes; known before the launch, too.

    The environment says so: RANK if torchrun starts the processes, LOCAL_RANK and NODE_RANK if Fabric does.
    """
    if "RANK" in os.environ:
        return os.environ["RANK"] == "0"
    return all(os.environ.get(name, "0") == "0" for name in _RANKS)
