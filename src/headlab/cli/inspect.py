"""`headlab inspect`: what a model's head is made of."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

EVERY_PARAMETER = "*"


class InspectCommand(TyperCommand):
    """The command's parser, in which the value of `--params` may be left out."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give a bare `--params` the value "*": at the end, before an option, or before a file."""
        filled = []
        for at, word in enumerate(args):
            filled.append(word)
            following = args[at + 1 : at + 2]
            bare = not following or following[0].startswith("-") or Path(following[0]).is_file()
            if word == "--params" and bare:
                filled.append(EVERY_PARAMETER)
        return super().parse_args(ctx, filled)


def inspect(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A checkpoint that ultralytics saved (.pt).")
    ],
    imgsz: Annotated[
        str | None,
        typer.Option(
            help="Input size of the grids: 640, or height and width as 480,640. "
            "By default the size of the training.",
            metavar="N|H,W",
        ),
    ] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option(
            "--class",
            help="Show the bias and the weight norm of this class on each level. "
            "Name or number; may be repeated.",
            metavar="NAME",
        ),
    ] = None,
    params: Annotated[
        str | None,
        typer.Option(
            help="List the parameters with index, name, shape and dtype: all of them, or those "
            "whose name matches, as in --params 'model.22.cv3.*'.",
            metavar="[GLOB]",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show a model's head: levels, grids, class rows and parameters.

    The file is read without running anything in it, and without torch.
    """
    from headlab.checkpoint.checkpoint import read
    from headlab.cli.options import parse_imgsz, split_names
    from headlab.heads.identify import identify
    from headlab.report.inspecting import inspection

    checkpoint = read(model)
    shown = inspection(
        checkpoint,
        identify(checkpoint),
        parse_imgsz(imgsz) if imgsz is not None else None,
        split_names(classes or []),
        params,
    )
    if as_json:
        from headlab.report.documents import to_json

        sys.stdout.write(to_json(shown.as_document()))
        return
    from headlab.report.inspection_text import inspection_text
    from headlab.report.tables import show

    show(*inspection_text(shown))


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("inspect", cls=InspectCommand)(inspect)
