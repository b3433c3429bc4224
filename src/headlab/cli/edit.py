"""`headlab edit`: rewrite class rows of chosen levels and classes, or undo that."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headlab.cli.options import FILE, Command, beside_options
from headlab.cli.terminal import say
from headlab.errors import InputError
from headlab.plain_text import counted

if TYPE_CHECKING:
    from headlab.checkpoint.checkpoint import Checkpoint
    from headlab.edit.recipe import Recipe

Texts = tuple[str, ...]


def _operation(name: str, metavar: str, text: str) -> Callable[[Command], Command]:
    """Declare the option of an operation, which may be repeated."""
    return click.option(name, metavar=metavar, multiple=True, help=text)


@click.command(short_help="Rewrite the class rows of a model's head, or undo that.")
@click.argument("model", type=FILE)
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
@beside_options
@click.option("--dry-run", is_flag=True, help="Show what would change, and write nothing.")
@click.option("--in-place", is_flag=True, help="Replace MODEL itself, instead of -o OUT.")
@click.option("--undo", is_flag=True, help="Restore the bytes that MODEL had before its edit.")
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
    undo: bool,
    **operations: Texts,
) -> None:
    """Rewrite the class rows of a model's head, and write the result to OUT, in the same format.

    MODEL is a model file: .pt, .weights, .h5 or .safetensors.

    Operations may be combined and repeated. LEVELS are names such as P4 or P4,P5, or P5/2 for the anchor
    slot 2 of P5, followed by a colon where classes come next; without them, all levels are meant. CLASSES
    are names or numbers with commas between them, * for all, or @FILE for a file with one a line. The last
    = comes before the value.

    Rows move first (shift, permute, reorder, swap, copy), then suppress, scale, bias and thresholds act,
    then names change, then classes go. A class is always named as in the input.

    The manifest OUT.headlab.json beside the result holds the recipe and what --undo needs. Other files that
    the format needs, such as a .cfg, are written beside it too.
    """
    from headlab.checkpoint.yolov3.companion_files import CompanionFiles
    from headlab.families.read import read

    options = {name: texts for name, texts in operations.items() if texts}
    if undo:
        if options or recipe or dry_run or at is not None or cfg or names or anchors:
            raise InputError("--undo takes no operations, recipe, --dry-run or files beside MODEL.")
        _undo(model, _target(model, output, in_place), in_place)
        return
    target = None if dry_run and not in_place else _target(model, output, in_place)
    made = _recipe(options, recipe, at)
    checkpoint = read(model, CompanionFiles(cfg, names, anchors))
    _edit(checkpoint, target, made, in_place=in_place, dry_run=dry_run)


def _target(model: Path, output: Path | None, in_place: bool) -> Path:
    if in_place == (output is not None):
        raise InputError(
            "Say where to write: either -o OUT or --in-place.",
            "With -o the input stays as it is.",
        )
    return output or model


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


def _edit(
    checkpoint: Checkpoint, target: Path | None, recipe: Recipe, *, in_place: bool, dry_run: bool
) -> None:
    from headlab.edit.apply import apply
    from headlab.edit.formats import suffix_of
    from headlab.edit.plan import plan
    from headlab.edit.plan_text import plan_lines
    from headlab.edit.write import save
    from headlab.families.identify import identify

    model, layout = checkpoint.path, identify(checkpoint)
    for remark in (*recipe.remarks, *checkpoint.names_remarks):
        say(f"headlab: {remark}", err=True)
    planned = plan(checkpoint, layout, recipe)
    edited = apply(checkpoint, planned)
    count = len(layout.class_names)
    say(
        f"{model}: {layout.head}, {counted(count, 'class', 'classes')}, {', '.join(layout.level_names)}"
    )
    for line in plan_lines(planned):
        say(f"  {line}")
    if dry_run or target is None:
        say("dry run: nothing was written")
        return
    saved = save(edited, target, [recipe], in_place=in_place)
    say(f"wrote {saved.output} ({saved.size_bytes:,} bytes)")
    say(f"wrote {saved.manifest}")
    for path in saved.companions:
        say(f"wrote {path}")
    if saved.no_undo:
        say(f"This edit cannot be undone: {saved.no_undo}.")
    say("next:")
    name = shlex.quote(str(saved.output))
    say(f"  headlab trace {name} PHOTO")
    if not in_place:
        say(f"  headlab diff {shlex.quote(str(model))} {name}")
    if not saved.no_undo:
        restored = "RESTORED" + (
            "" if suffix_of(saved.output) == ".pt" else suffix_of(saved.output)
        )
        say(f"  headlab edit {name} --undo " + ("--in-place" if in_place else f"-o {restored}"))


def _undo(model: Path, target: Path, in_place: bool) -> None:
    from headlab.edit.undo import undo

    restored = undo(model, target, in_place=in_place)
    original = restored.original
    say(f"wrote {restored.output}: the bytes of {original.name}")
    say(f"sha256 {original.sha256} ({original.bytes:,} bytes)")
    for path in restored.companions:
        say(f"wrote {path}")
    if restored.earlier_edit:
        say("It is itself the result of an edit, which can be undone in turn.")
