"""`headlab train`: train YOLOv3 in two stages, go on with a training, or show what it would be fed."""

from __future__ import annotations

import os
import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headlab.cli.options import FILE
from headlab.cli.terminal import say
from headlab.cli.train_options import DATA, ConfigCommand, given_values
from headlab.errors import HeadlabError, InputError, OutputError

if TYPE_CHECKING:
    from headlab.train.events import Event
    from headlab.train.planning import Plan

RUNS = Path("runs")
_FOLDER_VARIABLE = "HEADLAB_RUN_FOLDER"


@click.command(cls=ConfigCommand)
@click.argument("data", required=False)
@click.option("--config", type=FILE, metavar="FILE", help="Take values from a YAML file.")
@click.option(
    "-o",
    "--output",
    type=FILE,
    metavar="DIR",
    help="Write everything here; by default runs/train, or runs/train-2 and so on if that is there.",
)
@click.option("--resume", type=FILE, metavar="DIR", help="Go on with the training in this folder.")
@click.option(
    "--preview",
    type=FILE,
    metavar="FILE.png",
    help="Train nothing: draw what the network would be fed.",
)
@click.option(
    "--preview-count",
    type=click.IntRange(1, 64),
    default=8,
    help="How many images to draw at most.",
)
@click.pass_context
def train(
    ctx: click.Context, /, data: str | None, config: Path | None, output: Path | None,
    resume: Path | None, preview: Path | None, preview_count: int, **_: Any,
) -> None:  # fmt: skip
    """Train YOLOv3 on the boxes of DATA, in two stages.

    DATA are annotations: a text file of keras-yolo3, a YOLO data.yaml or folder, a folder of Pascal VOC, or a
    COCO JSON file. It may stand in the configuration, too.

    Values come from the options, else from --config, else they are the defaults. Paths, those in the file
    too, are relative to the current folder. "none" takes back a value of the file. All values are written
    to DIR/config.yaml, with which the training can be repeated.

    In DIR are the weights of the best and the last epoch, metrics.csv, steps.csv, and events for TensorBoard.
    """
    values = _with_data(given_values(ctx), data)
    if resume is not None:
        given = {"--config": config, "-o": output, "--preview": preview}
        _resume(resume, values, [name for name, value in given.items() if value is not None])
        return
    from headlab.train.configuration.file import load

    wanted = load(config, values)
    if not wanted.data.train:
        raise InputError(
            "There is nothing to train on.",
            "Name the annotations: headlab train DATA, or data.train in the configuration.",
        )
    if preview is not None:
        if output is not None:
            raise InputError("--preview trains nothing, so that -o has nothing to write.")
        _preview(wanted, preview, preview_count)
        return
    folder = _run_folder(output)
    from headlab.train.planning import plan

    _run(plan(wanted, folder))


def _with_data(values: dict[str, Any], data: str | None) -> dict[str, Any]:
    if data is None:
        return values
    if DATA in values:
        raise InputError(f"DATA and --{DATA} are the same thing.", "Give it once.")
    return {DATA: data, **values}


def _resume(folder: Path, values: dict[str, Any], others: list[str]) -> None:
    if others:
        raise InputError(
            f"--resume and {', '.join(others)} do not go together.",
            "A training goes on with its own configuration, in its own folder.",
        )
    from headlab.train.planning import resume

    _run(resume(folder, values))


def _preview(config: Any, path: Path, count: int) -> None:
    from headlab.train.watching.preview import check_name, draw_batches, write

    check_name(path)
    from headlab.train.api import preview
    from headlab.train.planning import plan

    planned = plan(config, path.parent)
    batches = preview(planned, -(-count // planned.config.batch))
    sheet = draw_batches(batches, planned.network.description, count)
    write(sheet, path)
    for line in sheet.lines:
        say(line)
    for note in (*planned.notes, *sheet.notes):
        say(f"headlab: {note}", err=True)
    say(f"wrote {path}")


def _run(planned: Plan) -> None:
    """Train, and say what comes of it."""
    from headlab.train.api import run
    from headlab.train.engine.fabric import is_first
    from headlab.train.engine.interrupts import Interrupted
    from headlab.train.watching.logs import MetricsLog, StepsLog
    from headlab.train.watching.progress import TrainProgress
    from headlab.train.watching.tensorboard import TensorBoardLog

    if not is_first():
        _run_beside(planned)
        return
    last = _LastEpoch(planned)
    logs = [kind(planned.folder) for kind in (MetricsLog, StepsLog, TensorBoardLog)]
    try:
        with TrainProgress() as shown:
            run(planned, [last, *logs, shown])
    except Interrupted as stop:
        say(f"headlab: {last.said()}", err=True)
        raise click.exceptions.Exit(stop.exit_code) from None
    except OutputError as error:
        if last.how():
            raise OutputError(error.message, f"{error.hint} Then {last.how()}".strip()) from error
        raise


def _run_beside(planned: Plan) -> None:
    """Train as a further process: the first one says what comes of it.

    An exit code other than 0 would have Fabric kill the first process, perhaps while it writes.
    """
    from headlab.train.api import run
    from headlab.train.engine.interrupts import Interrupted

    with suppress(Interrupted, HeadlabError):
        run(planned)


class _LastEpoch:
    """Remembers the last epoch that is on the disk, for one who interrupts.

    Args:
        planned: the training.
    """

    def __init__(self, planned: Plan) -> None:
        self._folder = planned.folder
        self._stage, self._epoch = 0, 0
        if planned.state is not None:
            self._stage, self._epoch = planned.state.progress.stage, planned.state.progress.epoch

    def __call__(self, event: Event) -> None:
        from headlab.train.events import Epoch

        if isinstance(event, Epoch):
            self._stage, self._epoch = event.stage, event.epoch

    def said(self) -> str:
        """Where it ended, and how to go on."""
        if not self._stage:
            return "interrupted before the first epoch was done, so that there is nothing to go on with"
        at = (
            f"after epoch {self._epoch} of stage {self._stage}"
            if self._epoch
            else f"at the start of stage {self._stage}"
        )
        return f"interrupted {at}; {self.how()}"

    def how(self) -> str:
        """How to go on; empty before the first epoch."""
        run = shlex.quote(str(self._folder))
        return f"continue with: headlab train --resume {run}" if self._stage else ""


def _run_folder(output: Path | None) -> Path:
    """The folder of a new training, which has to be empty.

    Further processes of one training, which start the same command again, take that of the first.

    Raises:
        OutputError: there is something in it.
    """
    from headlab.train.engine.fabric import is_first

    if not is_first():
        return output or Path(os.environ.get(_FOLDER_VARIABLE, RUNS / "train"))
    folder = output or _free_folder()
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file, and a folder is expected.", "Give another with -o.")
    if folder.is_dir() and any(folder.iterdir()):
        raise _not_empty(folder)
    os.environ[_FOLDER_VARIABLE] = str(folder)
    return folder


def _not_empty(folder: Path) -> OutputError:
    """What to say of a folder with something in it, which may be a training to go on with."""
    from headlab.train.engine.state import NAME

    other = "empty the folder: there is no training in it to go on with."
    if (folder / NAME).is_file():
        other = f"go on with it: headlab train --resume {shlex.quote(str(folder))}"
    return OutputError(
        f"{folder}: the folder is not empty, and an earlier training is never written over.",
        f"Give another with -o, or {other}",
    )


def _free_folder() -> Path:
    """The first of runs/train, runs/train-2, … that is not there, or is empty."""
    number = 1
    while True:
        folder = RUNS / ("train" if number == 1 else f"train-{number}")
        if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
            return folder
        number += 1
