"""The tour of `headlab demo`: draw scenes, shift a model's class rows, trace and compare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import cv2

from headlab.checkpoint.yolov3.companion_files import stem
from headlab.comparison.compare import Comparison
from headlab.demo.scenes import draw_scene
from headlab.edit.operations import Shift
from headlab.errors import InputError, OutputError
from headlab.files.atomic import write_bytes
from headlab.heads.layout import Layout, Place
from headlab.model import Model, compare, load
from headlab.trace.trace import Trace


@dataclass(frozen=True)
class Tour:
    """What the tour made.

    Attributes:
        folder: where everything lies.
        images: what was detected on.
        model: the detector; the embedded one is read from its copy `demo.pt`.
        shifts: the cyclic shift of the class rows by place, such as "P5", or "P5/2" where cells have slots.
        shifted: the detector with shifted class rows, as a file.
        comparison: of the detections of both models.
    """

    folder: Path
    images: tuple[Path, ...]
    model: Model
    shifts: dict[str, int]
    shifted: Path
    comparison: Comparison


def model_bytes() -> bytes:
    """The file of the detector that headlab ships with: three kinds of blood cells."""
    return (files("headlab.demo") / "demo.pt").read_bytes()


def saved_model(folder: Path) -> Model:
    """The detector, read from a copy in the folder: a file with a short path to go on with.

    Raises:
        OutputError: the copy cannot be written.
    """
    path = folder / "demo.pt"
    write_bytes(path, model_bytes())
    return load(path)


def draw_scenes(folder: Path, count: int, first_seed: int) -> tuple[Path, ...]:
    """Draw scenes and save them as PNG.

    Raises:
        OutputError: the folder cannot be made or written.
    """
    return tuple(_saved_scenes(folder, count, first_seed))


def made_folder(folder: Path) -> None:
    """Make a folder, unless it is there.

    Raises:
        OutputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: the folder cannot be made: {error.strerror}.", "Give another with --out."
        ) from error


def _saved_scenes(folder: Path, count: int, first_seed: int) -> Iterator[Path]:
    made_folder(folder)
    for seed in range(first_seed, first_seed + count):
        path = folder / f"scene_{seed:04d}.png"
        if not cv2.imwrite(str(path), draw_scene(seed).image[:, :, ::-1]):
            raise OutputError(f"{path}: cannot be written.", "Give another folder with --out.")
        yield path


def shifts_of_its_own(layout: Layout) -> dict[str, int]:
    """A different shift for every place, 0 for the first; by level where there are too few classes.

    Raises:
        InputError: there are fewer classes than levels.
    """
    places = [layout.place_name(place) for place in layout.places]
    for names in (places, list(layout.level_names)):
        if len(names) <= len(layout.class_names):
            return {name: by for by, name in enumerate(names)}
    raise InputError(
        f"The model has {len(layout.class_names)} class(es) on {len(layout.levels)} levels; the demo shifts "
        "each level by a number of its own.",
        f"Give a model with at least {len(layout.levels)} classes.",
    )


def take(model: Model, images: Sequence[Path], folder: Path) -> Tour:
    """Shift a model's class rows, and compare its detections before and after.

    Args:
        model: the detector.
        images: what to detect on.
        folder: where the shifted model goes.

    Raises:
        InputError: the model has too few classes, or no image can be read.
        OutputError: the folder cannot be made or written.
    """
    shifts = shifts_of_its_own(model.layout)
    edited = model.edit(*(Shift(levels=(name,), by=by) for name, by in shifts.items() if by))
    made_folder(folder)
    saved = edited.save(folder / f"shifted{model.path.name.removeprefix(stem(model.path))}")
    comparison = compare(model, edited, images)
    return Tour(folder, tuple(images), model, shifts, saved.output, comparison)


def classes_by_place(before: Trace) -> list[tuple[str, dict[str, int]]]:
    """How many detections of each class come from each place, in the order of the class numbers."""
    layout = before.layout
    names = [layout.place_name(place) for place in layout.places]
    table: dict[int, dict[str, int]] = {}
    for row in before.detections.select("class_id", "level", "slot").iter_rows(named=True):
        place = Place(layout.level_index(row["level"]), row["slot"])
        table.setdefault(row["class_id"], dict.fromkeys(names, 0))[layout.place_name(place)] += 1
    return [(layout.class_names[number], table[number]) for number in sorted(table)]
