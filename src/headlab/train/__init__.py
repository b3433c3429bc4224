"""Train YOLOv3 in two stages: first the head, then everything.

    import headlab

    plan = headlab.train.plan("train.txt", start="yolov3-tiny.weights", anchors="fit", stage1={"epochs": 4})
    headlab.train.preview(plan).save("preview.png")     draws what the network will see; nothing is trained
    run = headlab.train.run(plan)                       trains, and writes into runs/train
    run.plot(), run.table, run.best_weights

    headlab.train.run(headlab.train.resume("runs/train"))   continues after an interruption
    headlab.train.read("runs/train")                        the same result of any training, finished or not

`plan` takes what `headlab train` takes, by the same names (`headlab train --help`); `TrainConfig` holds all
values. A training tells its watchers what happens: see `headlab.train.events`.

Nothing heavy is imported before one of these is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from headlab.extras import TRAINING, require

if TYPE_CHECKING:
    from headlab.train.api import plan, preview, read, resume, run
    from headlab.train.configuration.config import TrainConfig
    from headlab.train.engine.interrupts import Interrupted
    from headlab.train.planning import Plan
    from headlab.train.previewing import Preview
    from headlab.train.result import TrainingRun
    from headlab.train.watching.progress import TrainProgress

__all__ = [
    "Interrupted",
    "Plan",
    "Preview",
    "TrainConfig",
    "TrainProgress",
    "TrainingRun",
    "plan",
    "preview",
    "read",
    "resume",
    "run",
]

_HOMES = {
    "Interrupted": "headlab.train.engine.interrupts",
    "Plan": "headlab.train.planning",
    "Preview": "headlab.train.previewing",
    "TrainConfig": "headlab.train.configuration.config",
    "TrainProgress": "headlab.train.watching.progress",
    "TrainingRun": "headlab.train.result",
}
_WITH_TENSORS = ("Plan", "Preview")


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for.

    Raises:
        MissingExtra: it holds tensors, and a package that trains is not installed.
    """
    if name not in __all__:
        raise AttributeError(f"module 'headlab.train' has no attribute {name!r}")
    if name in _WITH_TENSORS:
        require("Training", TRAINING)
    return getattr(importlib.import_module(_HOMES.get(name, "headlab.train.api")), name)


def __dir__() -> list[str]:
    return sorted(__all__)
