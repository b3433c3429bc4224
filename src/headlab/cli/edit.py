"""`headlab edit`: rewrite class rows of chosen levels and classes, or undo that."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headlab.errors import InputError

if TYPE_CHECKING:
    from headlab.edit.recipe import Recipe

Texts = list[str]
_HELP = """Rewrite the class rows of a model's head, and write the result to OUT.

Operations may be combined and repeated. LEVELS are names such as P4 or P4,P5, followed by a colon where
classes come next; without them, all levels are meant. CLASSES are names or numbers with commas between
them, * for all, or @FILE for a file with one a line. The last = comes before the value.

Rows move first (shift, permute, reorder, swap, copy), then suppress, scale, bias and thresholds act, then
names change, then classes go. A class is always named as in the input.

The manifest OUT.headlab.json beside the result holds the recipe and what --undo needs.
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("edit", help=_HELP)(edit)


def edit(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="The .pt file to read.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="OUT", help="The file to write.")
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(metavar="FILE.yaml", help="Read the operations from a recipe."),
    ] = None,
    shift: Annotated[
        Texts | None,
        typer.Option(metavar="[LEVELS=]K", help="Shift class rows: new row i = old row i-K."),
    ] = None,
    permute: Annotated[
        Texts | None,
        typer.Option(metavar="[LEVELS:]CLASSES", help="Rows in this order; names stay."),
    ] = None,
    reorder: Annotated[
        Texts | None,
        typer.Option(metavar="CLASSES", help="Rows and names in this order, on all levels."),
    ] = None,
    swap: Annotated[
        Texts | None, typer.Option(metavar="[LEVELS:]A=B", help="Exchange the rows of two classes.")
    ] = None,
    copy: Annotated[
        Texts | None, typer.Option(metavar="[LEVELS:]A=B", help="Make B score as A does.")
    ] = None,
    suppress: Annotated[
        Texts | None,
        typer.Option(metavar="[LEVELS:]CLASSES", help="Make classes never score."),
    ] = None,
    scale: Annotated[
        Texts | None,
        typer.Option(metavar="[LEVELS:][CLASSES]=F", help="Multiply logits by F > 0."),
    ] = None,
    bias: Annotated[
        Texts | None, typer.Option(metavar="[LEVELS:][CLASSES]=D", help="Add D to logits.")
    ] = None,
    threshold: Annotated[
        Texts | None,
        typer.Option(
            metavar="[LEVELS:]CLASSES=T",
            help="Bake in a confidence threshold, so that one global threshold equals all of them.",
        ),
    ] = None,
    at: Annotated[
        float | None, typer.Option(help="That global threshold.  [default: 0.25]")
    ] = None,
    rename: Annotated[
        Texts | None, typer.Option(metavar="OLD=NEW", help="Give a class a new name.")
    ] = None,
    keep: Annotated[
        Texts | None, typer.Option(metavar="CLASSES", help="Keep these classes, remove the rest.")
    ] = None,
    drop: Annotated[
        Texts | None, typer.Option(metavar="CLASSES", help="Remove these classes, keep the rest.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and write nothing.")
    ] = False,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Replace MODEL itself, instead of -o OUT.")
    ] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Restore the bytes that MODEL had before its edit.")
    ] = False,
) -> None:
    """Rewrite the class rows of a model's head; see `_HELP`."""
    given = {
        "shift": shift,
        "permute": permute,
        "reorder": reorder,
        "swap": swap,
        "copy": copy,
        "suppress": suppress,
        "scale": scale,
        "bias": bias,
        "threshold": threshold,
        "rename": rename,
        "keep": keep,
        "drop": drop,
    }
    options = {name: texts for name, texts in given.items() if texts}
    if undo:
        if options or recipe or dry_run or at is not None:
            raise InputError("--undo takes no operations, recipe or --dry-run.")
        _undo(model, _target(model, output, in_place), in_place)
        return
    target = None if dry_run and not in_place else _target(model, output, in_place)
    _edit(model, target, _recipe(options, recipe, at), in_place=in_place, dry_run=dry_run)


def _target(model: Path, output: Path | None, in_place: bool) -> Path:
    if in_place == (output is not None):
        raise InputError(
            "Say where to write: either -o OUT or --in-place.",
            "With -o the input stays as it is.",
        )
    return output or model


def _recipe(options: dict[str, Texts], path: Path | None, at: float | None) -> Recipe:
    from headlab.edit.options import recipe_of
    from headlab.edit.recipe import load

    if path is None:
        return recipe_of(options, at)
    if options or at is not None:
        mixed = ", ".join(f"--{name}" for name in options) or "--at"
        raise InputError(
            f"--recipe and {mixed} do not go together.", "Write all operations into the recipe."
        )
    return load(path)


def _edit(
    model: Path, target: Path | None, recipe: Recipe, *, in_place: bool, dry_run: bool
) -> None:
    from headlab.checkpoint.checkpoint import read
    from headlab.edit.apply import apply
    from headlab.edit.plan import plan
    from headlab.edit.words import plan_lines
    from headlab.edit.write import save
    from headlab.heads.identify import identify

    checkpoint = read(model)
    layout = identify(checkpoint)
    planned = plan(checkpoint, layout, recipe)
    edited = apply(checkpoint, planned)
    count = len(layout.class_names)
    typer.echo(f"{model}: {layout.head}, {count} classes, {', '.join(layout.level_names)}")
    for line in plan_lines(planned):
        typer.echo(f"  {line}")
    if dry_run or target is None:
        typer.echo("dry run: nothing was written")
        return
    saved = save(edited, target, [recipe], in_place=in_place)
    typer.echo(f"wrote {saved.output} ({saved.size_bytes:,} bytes)")
    typer.echo(f"wrote {saved.manifest}")
    if saved.no_undo:
        typer.echo(f"This edit cannot be undone: {saved.no_undo}.")
    typer.echo("next:")
    name = shlex.quote(str(saved.output))
    typer.echo(f"  headlab trace {name} PHOTO")
    if not in_place:
        typer.echo(f"  headlab diff {shlex.quote(str(model))} {name}")
    if not saved.no_undo:
        typer.echo(f"  headlab edit {name} --undo " + ("--in-place" if in_place else "-o RESTORED"))


def _undo(model: Path, target: Path, in_place: bool) -> None:
    from headlab.edit.undo import undo

    restored = undo(model, target, in_place=in_place)
    original = restored.original
    typer.echo(f"wrote {restored.output}: the bytes of {original.name}")
    typer.echo(f"sha256 {original.sha256} ({original.bytes:,} bytes)")
    if restored.earlier_edit:
        typer.echo("It is itself the result of an edit, which can be undone in turn.")
