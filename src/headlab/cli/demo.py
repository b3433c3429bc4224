"""`headlab demo`: the whole way once, on scenes that are drawn on the spot."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headlab.cli.options import FILE
from headlab.cli.terminal import say

if TYPE_CHECKING:
    from rich.console import RenderableType

    from headlab.demo.tour import Tour


@click.command
@click.option(
    "--out",
    type=FILE,
    default="demo-out",
    metavar="DIR",
    help="Where to save scenes, pictures and both models.",
)
@click.option("--scenes", type=click.IntRange(1, 1000), default=6, help="How many scenes to draw.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Seed of the first scene.")
def demo(out: Path, scenes: int, seed: int) -> None:
    """Draw microscope scenes, and see which level finds which cells.

    A small detector comes with headlab. The demo draws scenes for it, shows its head, shifts the class
    rows of two levels, compares the detections before and after, and saves pictures of both.
    Nothing is downloaded.
    """
    from headlab.demo.tour import take
    from headlab.report.tables import show

    noun = "scene" if scenes == 1 else "scenes"
    say(f"Drawing {scenes} {noun}, and tracing them with two models.")
    tour = take(out, scenes, seed)
    pictures = _save_pictures(tour)
    show(*_told(tour, pictures))


def _told(tour: Tour, pictures: Path) -> Iterator[RenderableType]:
    from headlab.demo.tour import SHIFTS, classes_by_level
    from headlab.report.comparison import comparison_text
    from headlab.report.tables import heading, line, table

    levels = tour.model.layout.levels
    yield heading(f"1. The head: {tour.model.layout.head}, {len(tour.model.class_names)} classes")
    rows = [[each.name, f"{each.stride_px} px", each.class_rows[0].weight] for each in levels]
    yield table(["level", ">stride", "class rows"], rows)

    yield heading("2. Where its detections come from")
    found = [[name, *counts.values()] for name, counts in classes_by_level(tour.comparison.before)]
    yield table(["class", *(f">{each.name}" for each in levels)], found)

    shifts = ", ".join(f"{name} by {by}" for name, by in SHIFTS.items())
    yield heading(f"3. The same with shifted class rows ({shifts})")
    yield from comparison_text(tour.comparison, most_rows=0)

    yield heading("Look at")
    yield line(f"{pictures}/  before (left) and after (right), each box in its level's colour")
    yield heading("Go on with")
    original, shifted = _word(tour.model.path), _word(tour.shifted)
    yield line(f"headlab inspect {original}")
    yield line(f"headlab diff {original} {shifted}")
    traced = _word(tour.folder / "traced")
    yield line(f"headlab trace {shifted} {_word(tour.scenes[0])} --save {traced}")
    yield line(f"headlab edit {shifted} --undo -o {_word(tour.folder / 'restored.pt')}")


def _word(path: Path) -> str:
    """The path as one word of a command."""
    return shlex.quote(str(path))


def _save_pictures(tour: Tour) -> Path:
    import numpy as np
    import polars as pl
    from PIL import Image

    from headlab.demo.tour import SHIFTS
    from headlab.report.comparison import side_by_side
    from headlab.report.saving import PictureFolder

    made = ", ".join(f"{name} shifted by {by}" for name, by in SHIFTS.items())
    compared = tour.comparison
    strides = tour.model.layout.stride_by_level
    with PictureFolder(tour.folder / "pictures", tour.scenes, "compare") as folder:
        for scene in tour.scenes:
            image_bgr = np.asarray(Image.open(scene))[:, :, ::-1]
            before, after = (
                side.detections.filter(pl.col("image") == str(scene))
                for side in (compared.before, compared.after)
            )
            titles = ("before", f"after: {made}")
            picture = side_by_side(image_bgr, before, after, (strides, strides), titles)
            folder.add(str(scene), None, picture)
    return folder.folder
