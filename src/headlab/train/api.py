"""What `headlab.train` can do: plan a training, preview, run and resume it, and read its results.

Nothing heavy is imported before it is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headlab.errors import InputError
from headlab.extras import TRAINING, require
from headlab.train.run_folder import RUNS, check_is_free, free_folder

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from headlab.results.progress import Progress
    from headlab.train.configuration.config import DataConfig, TrainConfig
    from headlab.train.configuration.keywords import DataKeywords, TrainKeywords
    from headlab.train.events import Watcher
    from headlab.train.planning import Plan
    from headlab.train.previewing import Preview
    from headlab.train.result import TrainingRun


def plan(
    data: str | Path | DataKeywords | DataConfig | None = None,
    config: str | Path | TrainConfig | None = None,
    output: str | Path | None = None,
    **values: Unpack[TrainKeywords],
) -> Plan:
    """Plan a training: read the data, decide what is open, make the network. Nothing is written.

    Args:
        data: annotations of any format, as a path; or several values of the section `data`, such as
            {"train": "bccd", "val_split": "val"}. None if `config` names them.
        config: a YAML file, or a `TrainConfig`. Other arguments take precedence over it.
        output: the folder to write into, which must be new or empty. By default runs/train, or
            runs/train-2 and so on if that exists.
        **values: values of `TrainConfig`, such as `start` (weights to start from), `anchors`, `imgsz` (height
            and width of the input in px), `batch` (photos per step), `device`, and the sections as
            dictionaries: `stage1={"epochs": 4, "lr": 1e-3}`. `headlab train --help` explains all.

    Raises:
        InputError: a value is wrong, there is nothing to train on, or the values do not fit the data.
        CheckpointError: the start weights cannot be read, or none of them fit.
        OutputError: the folder is not empty.
        MissingExtra: a package that trains is not installed.
    """
    require("Training", TRAINING)
    from headlab.train.configuration.file import load

    wanted = load(config, _overrides(data, values))
    if not wanted.data.train:
        raise InputError(
            "There is nothing to train on.",
            "Name the annotations: headlab train DATA, or data.train in the configuration.",
        )
    folder = _folder(output)
    from headlab.train.planning import new_plan

    return new_plan(wanted, folder)


def resume(
    folder: str | Path,
    data: str | Path | DataKeywords | None = None,
    **values: Unpack[TrainKeywords],
) -> Plan:
    """Plan to continue a training after its last complete epoch; `run` continues it.

    Args:
        folder: the training's folder.
        data: where the annotations lie now, if they have moved; as for `plan`.
        **values: `workers` and `device`, which may change, as for `plan`. Nothing else may.

    Raises:
        CheckpointError: there is no training to resume in the folder, or its state is damaged.
        InputError: the training is finished, or its configuration or its data have changed.
        MissingExtra: a package that trains is not installed.
    """
    require("Training", TRAINING)
    from headlab.train.planning import resumed_plan

    return resumed_plan(folder, _overrides(data, values))


def preview(planned: Plan, count: int = 8) -> Preview:
    """Show the first images that the network will see, with their boxes and targets; train nothing.

    Args:
        planned: the training.
        count: how many images.

    Raises:
        InputError: no photo can be read.
    """
    from headlab.train.previewing import preview_of

    return preview_of(planned, count)


def run(
    planned: Plan, watchers: Sequence[Watcher] = (), progress: Progress | None = None
) -> TrainingRun:
    """Train to the end, and write weights, logs and state into the plan's folder.

    With several devices the program is started again for each further one, up to this call. Those further
    processes end here, without a word; only the first one returns or raises.

    Args:
        planned: the training, from `plan` or `resume`.
        watchers: functions that get every event, see `headlab.train.events`; a `TrainProgress` prints them.
        progress: called with (done, total) after every step, counted over all stages; a stage that stops
            early leaves some out.

    Raises:
        Interrupted: by Ctrl-C or SIGTERM; it says how to resume.
        InputError: a device is missing, or no photo can be read.
        TrainingError: a loss is NaN or infinite, memory ran out, or another process ended.
        OutputError: the folder is not empty, or a file cannot be written; the previous one is unchanged.
    """
    from headlab.train.engine.run import run_plan

    return run_plan(planned, watchers, progress)


def read(folder: str | Path) -> TrainingRun:
    """Read the results of a training, finished or still running, from its folder.

    Raises:
        InputError: the folder does not hold a training.
    """
    from headlab.train.result import read_run

    return read_run(Path(folder))


def _overrides(data: Any, values: Any) -> dict[str, Any]:
    """Values by dotted name."""
    from headlab.train.configuration.file import dotted

    if data is None:
        return dotted(values)
    section = {"train": data} if isinstance(data, (str, Path)) else data
    return dotted({"data": section, **values})


def _folder(output: str | Path | None) -> Path:
    """The folder of a new training.

    Raises:
        OutputError: there is something in it.
    """
    from headlab.train.processes import is_first

    folder = Path(output) if output is not None else None
    if not is_first():
        return folder or RUNS / "train"  # replaced by the first process's when they meet
    if folder is None:
        return free_folder()
    check_is_free(folder)
    return folder
