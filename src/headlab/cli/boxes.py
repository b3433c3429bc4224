"""`headlab boxes`: read annotations of any format, check them, describe them, convert them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from headlab.cli.box_data import FORMATS, data_options, read_data, skipped_while_reading
from headlab.cli.box_stats import stats
from headlab.cli.options import FILE
from headlab.cli.terminal import say
from headlab.errors import InputError


@click.group
def boxes() -> None:
    """Check annotations, describe them, convert them.

    DATA is a text file of keras-yolo3, a YOLO data.yaml, folder or list of photos, a folder of Pascal VOC,
    or a COCO JSON file.
    """


boxes.add_command(stats)


@boxes.command
@click.argument("data", type=FILE, nargs=-1, required=True)
@data_options
@click.option("--deep", is_flag=True, help="Decode every photo: finds those that are cut off.")
@click.option("--no-photos", is_flag=True, help="Look at the annotations only.")
@click.option(
    "--all", "show_all", is_flag=True, help="Show every finding, not the first of a kind."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def check(
    data: tuple[Path, ...],
    deep: bool,
    no_photos: bool,
    show_all: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Say what is wrong with annotations, with file and line.

    Several files are taken together, each as a split: `headlab boxes check train.txt val.txt` finds
    photos that are in both.

    Exit code: 0 no errors (there may be warnings), 1 errors, 2 the input was wrong.
    """
    if deep and no_photos:
        raise InputError("--deep looks into the photos, --no-photos does not.", "Give one of them.")
    from headlab.boxes.checking.check import check as findings_of
    from headlab.boxes.checking.text import findings_document, findings_text

    table = read_data(data, **options)
    found = findings_of(table, photos=not no_photos, deep=deep)
    names = [str(each) for each in data]
    if as_json:
        from headlab.files.json_text import to_json

        sys.stdout.write(to_json(findings_document(names, table, found)))
    else:
        from headlab.results.tables import show

        show(*findings_text(names, table, found, show_all=show_all))
    if any(each.severity == "error" for each in found):
        raise click.exceptions.Exit(1)


@boxes.command
@click.argument("data", type=FILE)
@click.argument("out", type=FILE)
@click.option("--to", "to", type=FORMATS, required=True, help="The format to write.")
@data_options
@click.option(
    "--photos",
    type=click.Choice(["link", "copy", "none"]),
    default="link",
    help="How YOLO's and VOC's folders get the photos.",
)
@click.option("--force", is_flag=True, help="Replace files of the same name.")
def convert(data: Path, out: Path, to: Any, photos: Any, force: bool, **options: Any) -> None:
    """Write annotations in another format.

    OUT is a folder, in which each split has its own file or folder; for keras it may be a .txt file and
    for coco a .json file, for all splits together. It appears whole or not at all. What was skipped, and
    what the format cannot say, is listed on standard error.

    Exit code: 0 done, 1 done but something was skipped, 2 the input was wrong.
    """
    from headlab.boxes.checking.text import counted, kinds_of
    from headlab.boxes.writing import write

    table = read_data((data,), **options)
    losses = write(table, out, to, force=force, photos=photos)
    skipped = skipped_while_reading(table)
    for problem in (*skipped[:_SHOWN], *losses):
        said = f"{problem.where}: " if problem in skipped else ""
        say(f"headlab: {said}{problem.message}", err=True)
    if len(skipped) > _SHOWN:
        kinds = ", ".join(f"{kind} {count:,}" for _, kind, count in kinds_of(skipped))
        say(
            f"headlab: {len(skipped):,} problems in all: {kinds}; see headlab boxes check", err=True
        )
    images, count = table.images.height, table.boxes.height
    say(f"{out}: {counted(images, 'image')}, {counted(count, 'box', 'boxes')} read from {data}")
    if skipped:
        raise click.exceptions.Exit(1)


_SHOWN = 5
