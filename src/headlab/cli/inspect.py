"""`headlab inspect`: what a model's head is made of."""

from __future__ import annotations

from pathlib import Path

import click

from headlab.cli.options import (
    SIZE,
    companion_options,
    model_argument,
    output_options,
    size_of,
    split_names,
)
from headlab.cli.outputs import Outputs

EVERY_PARAMETER = "*"


class InspectCommand(click.Command):
    """The command's parser, in which the value of `--params` may be left out."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give a bare `--params` the value "*": at the end, before an option, or before a file."""
        filled = []
        for at, word in enumerate(args):
            filled.append(word)
            following = args[at + 1 : at + 2]
            bare = not following or following[0].startswith("-") or Path(following[0]).is_file()
            if word == "--params" and bare:
                filled.append(EVERY_PARAMETER)
        return super().parse_args(ctx, filled)


@click.command(cls=InspectCommand)
@model_argument
@click.option(
    "--imgsz",
    metavar=SIZE,
    help="Input size of the grids in pixels: 640, or height and width as 480,640. By default the model's "
    "own size, or that of its training.",
)
@click.option(
    "--classes",
    metavar="A,B",
    multiple=True,
    help="Show the bias and the weight norm of these classes on each level and slot: names or numbers. "
    "May be repeated.",
)
@click.option(
    "--params",
    metavar="[GLOB]",
    help="List the parameters with index, name, shape and dtype: all of them, or those "
    "whose name matches, as in --params 'model.22.cv3.*'.",
)
@click.option(
    "--explain",
    is_flag=True,
    help="Say where the numbers come from: grids, slots, outputs, boxes, anchors, candidates.",
)
@click.option(
    "--strict", is_flag=True, help="Refuse a file that would run something in other programs."
)
@companion_options
@output_options(".json .csv .parquet .html")
def inspect(
    model: Path,
    imgsz: str | None,
    classes: tuple[str, ...],
    params: str | None,
    explain: bool,
    strict: bool,
    cfg: Path | None,
    names: Path | None,
    anchors: Path | None,
    output: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Show a model's head: levels, grids, class rows and parameters.

    MODEL is a checkpoint that ultralytics saved (.pt), or a YOLOv3 model: darknet's (.weights),
    keras-yolo3's (.h5) or headlab's own (.safetensors). It is read without running anything in it, and
    without PyTorch.
    """
    from headlab.inspection.inspection import Inspection
    from headlab.model import load

    outputs = Outputs.checked(Inspection, output, as_json, model)
    loaded = load(model, cfg=cfg, names=names, anchors=anchors, strict=strict)
    outputs.deliver(
        loaded.inspect(
            imgsz=size_of(imgsz), classes=split_names(classes), params=params, explain=explain
        )
    )
