"""`headlab train`: train YOLOv3 in two stages, resume a training, or preview what the network will see."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headlab.cli.options import FILE
from headlab.cli.outputs import Outputs, print_json, remark
from headlab.cli.train_options import DATA, ConfigCommand, given_values, nested
from headlab.errors import InputError

if TYPE_CHECKING:
    from headlab.train.planning import Plan


@click.command(cls=ConfigCommand)
@click.argument("data", required=False)
@click.option("--config", type=FILE, metavar="FILE", help="Take values from this YAML file.")
@click.option(
    "-o",
    "--output",
    type=FILE,
    metavar="DIR",
    help="Write everything into this folder. By default runs/train, or runs/train-2 and so on if that "
    "exists.",
)
@click.option("--resume", type=FILE, metavar="DIR", help="Continue the training in this folder.")
@click.option(
    "--preview",
    type=FILE,
    metavar="FILE.png",
    help="Train nothing: draw what the network will see first. As .csv, .parquet, .json or .html, list it.",
)
@click.option(
    "--preview-count", type=click.IntRange(1, 64), default=8, help="Number of images to draw."
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print the result as JSON; progress goes to standard error.",
)
@click.pass_context
def train(
    ctx: click.Context, /, data: str | None, config: Path | None, output: Path | None,
    resume: Path | None, preview: Path | None, preview_count: int, as_json: bool, **_: Any,
) -> None:  # fmt: skip
    """Train YOLOv3 on the boxes of DATA, in two stages.

    DATA are annotations: a text file of keras-yolo3, a YOLO data.yaml or folder, a folder of Pascal VOC, a
    COCO JSON file, or CSV. The configuration may name them instead.

    Values come from the options, else from --config, else they are the defaults. Paths, even those in the
    file, are relative to the current folder. "none" undoes a value of the file. All values are written to
    DIR/config.yaml, which repeats the training.

    DIR gets the weights of the best and the last epoch, metrics.csv, steps.csv, and event files for
    TensorBoard.
    """
    values = nested(_with_data(given_values(ctx), data))
    from headlab.train import api

    section = values.pop("data", None)
    given = {"-o": output, "--preview": preview, "--config": config}
    if resume is not None:
        _refuse(
            "--resume", given, "A training is resumed with its own configuration, in its folder."
        )
        _run(api.resume(resume, section, **values), as_json)
    elif preview is None:
        _run(api.plan(section, config, output, **values), as_json)
    else:
        _refuse(
            "--preview",
            {"-o": output},
            "A preview trains nothing, so that -o has nothing to write.",
        )
        from headlab.train import Preview

        outputs = Outputs.checked(Preview, [preview], as_json)
        plan = api.plan(section, config, **values)
        shown = api.preview(plan, preview_count)
        outputs.deliver(shown)
        for note in (*plan.notes, *shown.notes):
            remark(note)


def _run(plan: Plan, as_json: bool) -> None:
    """Train, and show it; the first process alone prints."""
    from headlab.results.tables import console
    from headlab.train import api
    from headlab.train.engine.interrupts import Interrupted
    from headlab.train.watching.progress import TrainProgress

    try:
        with TrainProgress(console(stderr=as_json)) as shown:
            result = api.run(plan, [shown])
    except Interrupted as stop:
        remark(stop)
        raise click.exceptions.Exit(stop.exit_code) from None
    if as_json:
        print_json(result.to_dict())


def _with_data(values: dict[str, Any], data: str | None) -> dict[str, Any]:
    if data is None:
        return values
    if DATA in values:
        raise InputError(f"DATA and --{DATA} are the same thing.", "Give it once.")
    return {DATA: data, **values}


def _refuse(option: str, others: Mapping[str, object], why: str) -> None:
    """Refuse options that cannot be combined with another one."""
    names = [name for name, value in others.items() if value is not None]
    if names:
        raise InputError(f"{option} cannot be combined with {' and '.join(names)}.", why)
