"""`headlab demo`: the whole way once, on scenes that are drawn on the spot."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headlab.cli.options import FILE
from headlab.cli.terminal import say
from headlab.errors import InputError, SourceError
from headlab.extras import require
from headlab.plain_text import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

    from headlab.demo.tour import Tour
    from headlab.model import Model


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
@click.option("--model", type=FILE, metavar="MODEL", help="Tour a model of yours instead.")
@click.option(
    "--source",
    "sources",
    metavar="SOURCE",
    multiple=True,
    help="With --model: an image, a folder, or a pattern; may be repeated.",
)
def demo(out: Path, scenes: int, seed: int, model: Path | None, sources: tuple[str, ...]) -> None:
    """Draw microscope scenes, and see which level finds which cells.

    A small detector comes with headlab. The demo draws scenes for it, shows its head, shifts the class
    rows of two levels, compares the detections before and after, and saves pictures of both.
    Nothing is downloaded.

    With --model and --source it takes the same tour through a model of yours, of any family, on your own
    photos; where cells have several anchor slots, every slot is shifted by a number of its own.
    """
    require("The demo")
    from headlab.demo.tour import take
    from headlab.results.tables import show

    if (model is None) != (not sources):
        raise InputError(
            "--model and --source go together: a model of yours, and photos for it.",
            "Leave both out for the embedded detector and drawn scenes.",
        )
    detector, images = _own(model, sources) if model else _embedded(out, scenes, seed)
    tour = take(detector, images, out)
    pictures = _save_pictures(tour)
    show(*_told(tour, pictures))


def _embedded(out: Path, scenes: int, seed: int) -> tuple[Model, tuple[Path, ...]]:
    from headlab.demo.tour import draw_scenes, saved_model

    noun = "scene" if scenes == 1 else "scenes"
    say(f"Drawing {scenes} {noun}, and tracing them with two models.")
    drawn = draw_scenes(out / "scenes", scenes, seed)
    return saved_model(out), drawn


def _own(model: Path, sources: tuple[str, ...]) -> tuple[Model, tuple[Path, ...]]:
    from headlab.detect.sources import expand, is_video
    from headlab.model import load

    loaded = load(model)
    images = tuple(path for path in expand(sources) if not is_video(path))
    if not images:
        raise SourceError("The demo works on images; only videos were named.", "Name a photo.")
    say(f"Tracing {len(images)} image{'' if len(images) == 1 else 's'} with two models.")
    return loaded, images


def _told(tour: Tour, pictures: Path) -> Iterator[RenderableType]:
    from headlab.comparison.text import comparison_text
    from headlab.demo.tour import classes_by_place
    from headlab.results.tables import heading, line, table

    layout = tour.model.layout
    yield heading(
        f"1. The head: {layout.head}, {counted(len(tour.model.class_names), 'class', 'classes')}"
    )
    slots = [counted(level.slots, "slot") for level in layout.levels] if layout.has_slots else []
    rows = [
        [each.name, f"{each.stride_px} px", *slots[at : at + 1], each.class_rows[0].weight]
        for at, each in enumerate(layout.levels)
    ]
    yield table(["level", ">stride", *([">slots"] if slots else []), "class rows"], rows)

    yield heading("2. Where its detections come from")
    found = [[name, *counts.values()] for name, counts in classes_by_place(tour.comparison.before)]
    yield table(["class", *(f">{layout.place_name(each)}" for each in layout.places)], found)

    yield heading(f"3. The same with shifted class rows ({_shifts(tour)})")
    yield from comparison_text(tour.comparison, most_rows=0)

    yield heading("Look at")
    yield line(f"{pictures}/  before (left) and after (right), each box in its level's colour")
    yield heading("Go on with")
    original, shifted = _word(tour.model.path), _word(tour.shifted)
    yield line(f"headlab inspect {original}")
    yield line(f"headlab diff {original} {shifted}")
    traced = _word(tour.folder / "traced")
    restored = tour.shifted.with_name(tour.shifted.name.replace("shifted", "restored"))
    yield line(f"headlab trace {shifted} {_word(tour.images[0])} --save {traced}")
    yield line(f"headlab edit {shifted} --undo -o {_word(restored)}")


def _shifts(tour: Tour) -> str:
    return ", ".join(f"{name} by {by}" for name, by in tour.shifts.items() if by)


def _word(path: Path) -> str:
    """The path as one word of a command."""
    return shlex.quote(str(path))


def _save_pictures(tour: Tour) -> Path:
    import polars as pl

    from headlab.comparison.text import side_by_side
    from headlab.detect.photos import read_bgr
    from headlab.results.pictures.folder import PictureFolder

    titles = ("before", f"after: class rows shifted ({_shifts(tour)})")
    compared = tour.comparison
    strides = tour.model.layout.stride_by_level
    with PictureFolder(tour.folder / "pictures", tour.images, "compare") as folder:
        for path in compared.before.images["image"]:
            before, after = (
                side.detections.filter(pl.col("image") == path)
                for side in (compared.before, compared.after)
            )
            picture = side_by_side(read_bgr(path), before, after, (strides, strides), titles)
            folder.add(path, None, picture)
    return folder.folder
