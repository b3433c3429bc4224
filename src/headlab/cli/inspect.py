"""`headlab inspect`: what a model's head is made of."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from headlab.cli.options import FILE, beside_options, parse_imgsz, split_names

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
@click.argument("model", type=FILE)
@click.option(
    "--imgsz",
    metavar="N|H,W",
    help="Input size of the grids: 640, or height and width as 480,640. "
    "By default the model's own size, or that of its training.",
)
@click.option(
    "--class",
    "classes",
    metavar="NAME",
    multiple=True,
    help="Show the bias and the weight norm of this class on each level and slot. "
    "Name or number; may be repeated.",
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
@beside_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def inspect(
    model: Path,
    imgsz: str | None,
    classes: tuple[str, ...],
    params: str | None,
    explain: bool,
    cfg: Path | None,
    names: Path | None,
    anchors: Path | None,
    as_json: bool,
) -> None:
    """Show a model's head: levels, grids, class rows and parameters.

    MODEL is a checkpoint that ultralytics saved (.pt), or a YOLOv3 model: darknet's (.weights),
    keras-yolo3's (.h5) or headlab's own (.safetensors). It is read without running anything in it, and
    without torch.
    """
    from headlab.checkpoint.yolov3.companion_files import CompanionFiles
    from headlab.families.identify import identify
    from headlab.families.read import read
    from headlab.inspection.collect import inspection

    checkpoint = read(model, CompanionFiles(cfg, names, anchors))
    shown = inspection(
        checkpoint,
        identify(checkpoint),
        parse_imgsz(imgsz) if imgsz is not None else None,
        split_names(classes),
        params,
        explain=explain,
    )
    if as_json:
        from headlab.files.json_text import to_json

        sys.stdout.write(to_json(shown.as_document()))
        return
    from headlab.inspection.text import inspection_text
    from headlab.results.tables import show

    show(*inspection_text(shown))
