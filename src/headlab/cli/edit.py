"""`headlab edit`: rewrite class rows of chosen levels and classes, or undo that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headlab.cli.options import (
    FILE,
    Command,
    companion_options,
    force_option,
    json_option,
    model_argument,
)
from headlab.cli.outputs import deliver, print_json, remark, say_warnings
from headlab.cli.terminal import say
from headlab.errors import InputError
from headlab.plain_text import counted

if TYPE_CHECKING:
    from headlab.edit.recipe import Recipe
    from headlab.model import Model

Texts = tuple[str, ...]


def _operation(name: str, metavar: str, text: str) -> Callable[[Command], Command]:
    """Declare the option of an operation, which may be repeated."""
    return click.option(name, metavar=metavar, multiple=True, help=text)


@click.command(short_help="Rewrite the class rows of a model's head, or undo that.")
@model_argument
@click.option("-o", "--output", type=FILE, metavar="OUT", help="The file to write.")
@click.option("--recipe", type=FILE, metavar="FILE.yaml", help="Read the operations from a recipe.")
@_operation("--shift", "[LEVELS=]K", "Shift class rows: new row i = old row i-K.")
@_operation("--permute", "[LEVELS:]CLASSES", "Rows in this order; names stay.")
@_operation("--reorder", "CLASSES", "Rows and names in this order, on all levels.")
@_operation("--swap", "[LEVELS:]A=B", "Exchange the rows of two classes.")
@_operation("--copy", "[LEVELS:]A=B", "Make B score as A does.")
@_operation("--suppress", "[LEVELS:]CLASSES", "Make classes never score.")
@_operation("--scale", "[LEVELS:][CLASSES]=F", "Multiply logits by F > 0.")
@_operation("--bias", "[LEVELS:][CLASSES]=D", "Add D to logits.")
@_operation(
    "--threshold",
    "[LEVELS:]CLASSES=T",
    "Bake in a confidence threshold, so that one global threshold equals all of them.",
)
@click.option("--at", type=float, help="That global threshold.  [default: 0.25]")
@_operation("--rename", "OLD=NEW", "Give a class a new name.")
@_operation("--keep", "CLASSES", "Keep these classes, remove the rest.")
@_operation("--drop", "CLASSES", "Remove these classes, keep the rest.")
@companion_options
@click.option("--dry-run", is_flag=True, help="Show what would change, and write nothing.")
@click.option("--in-place", is_flag=True, help="Replace MODEL itself, instead of -o OUT.")
@force_option
@click.option("--undo", is_flag=True, help="Restore the bytes that MODEL had before its edit.")
@click.option(
    "--strict", is_flag=True, help="Refuse a file that would run something in other programs."
)
@json_option
def edit(
    model: Path,
    output: Path | None,
    recipe: Path | None,
    at: float | None,
    cfg: Path | None,
    names: Path | None,
    anchors: Path | None,
    dry_run: bool,
    in_place: bool,
    force: bool,
    undo: bool,
    strict: bool,
    as_json: bool,
    **operations: Texts,
) -> None:
    """Rewrite the class rows of a model's head, and write the result to OUT, in the same format.

    MODEL is a model file: .pt, .weights, .h5 or .safetensors.

    Operations may be combined and repeated. LEVELS are names such as P4 or P4,P5, or P5/2 for the anchor
    slot 2 of P5, followed by a colon where classes come next; without them, all levels are meant. CLASSES
    are names or numbers with commas between them, * for all, or @FILE for a file with one per line. The last
    = comes before the value.

    Rows move first (shift, permute, reorder, swap, copy), then suppress, scale, bias and thresholds act,
    then names change, then classes go. A class is always named as in the input.

    The manifest OUT.headlab.json next to the result holds the recipe and what --undo needs. Other files
    that the format needs, such as a .cfg, are written there too.
    """
    from headlab.model import load
    from headlab.model import undo as restore

    options = {name: texts for name, texts in operations.items() if texts}
    if undo:
        if options or recipe or dry_run or at is not None or cfg or names or anchors:
            raise InputError(
                "--undo takes no operations, recipe, --dry-run or files next to MODEL."
            )
        _check_target(output, in_place)
        deliver(restore(model, output, in_place=in_place, force=force), as_json)
        return
    if in_place or not dry_run:
        _check_target(output, in_place)
    edits = _recipe(options, recipe, at)
    loaded = load(model, cfg=cfg, names=names, anchors=anchors, strict=strict)
    for text in (*edits.remarks, *loaded.checkpoint.names_remarks):
        remark(text)
    say_warnings(loaded)
    plan = loaded.plan(edits)
    edited = loaded.edit(plan)
    if not as_json:
        say(_headline(loaded))
        for line in plan.text():
            say(f"  {line}")
    if dry_run:
        if as_json:
            print_json(plan.to_dict())
        else:
            say("dry run: nothing was written")
        return
    saved = edited.save(output or model, in_place=in_place, force=force)
    if as_json:
        print_json({"plan": plan.to_dict(), "saved": saved.to_dict()})
    else:
        deliver(saved, as_json=False)


def _headline(model: Model) -> str:
    layout = model.layout
    classes = counted(len(layout.class_names), "class", "classes")
    return f"{model.path}: {layout.head}, {classes}, {', '.join(layout.level_names)}"


def _check_target(output: Path | None, in_place: bool) -> None:
    if in_place == (output is not None):
        raise InputError(
            "Say where to write: either -o OUT or --in-place.",
            "With -o the input stays as it is.",
        )


def _recipe(options: dict[str, Texts], path: Path | None, at: float | None) -> Recipe:
    from headlab.edit.recipe import load
    from headlab.edit.recipe_from_options import recipe_from_options

    if path is None:
        return recipe_from_options(options, at)
    if options or at is not None:
        mixed = ", ".join(f"--{name}" for name in options) or "--at"
        raise InputError(
            f"--recipe and {mixed} do not go together.", "Write all operations into the recipe."
        )
    return load(path)
