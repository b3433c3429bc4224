"""The tour of `headlab demo`: draw scenes, inspect, shift, trace, compare, and save what is to be seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import cv2

from headlab.checkpoint.atomic import write_bytes
from headlab.demo.scenes import CLASS_NAMES, draw_scene
from headlab.edit.operations import Shift
from headlab.errors import OutputError
from headlab.model import ComparisonResult, Model, compare, load
from headlab.trace.trace import Trace

SHIFTS = {"P4": 1, "P5": 2}
"""Of three classes, so that every level has a shift of its own: P3 by 0, P4 by 1, P5 by 2."""


@dataclass(frozen=True)
class Tour:
    """What the tour made.

    Attributes:
        folder: where everything lies.
        scenes: the drawn scenes.
        model: the embedded detector, read from its copy `demo.pt`.
        shifted: the same with shifted class rows, saved as `shifted.pt`.
        comparison: of the detections of both models.
    """

    folder: Path
    scenes: tuple[Path, ...]
    model: Model
    shifted: Path
    comparison: ComparisonResult


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


def _saved_scenes(folder: Path, count: int, first_seed: int) -> Iterator[Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: the folder cannot be made: {error.strerror}.", "Give another with --out."
        ) from error
    for seed in range(first_seed, first_seed + count):
        path = folder / f"scene_{seed:04d}.png"
        if not cv2.imwrite(str(path), draw_scene(seed).image[:, :, ::-1]):
            raise OutputError(f"{path}: cannot be written.", "Give another folder with --out.")
        yield path


def take(folder: Path, count: int, first_seed: int) -> Tour:
    """Do everything once; `folder` gets the scenes, the model and the shifted model.

    Args:
        folder: where to write.
        count: how many scenes to draw.
        first_seed: of the first scene; the others follow.

    Raises:
        OutputError: the folder cannot be made or written.
    """
    scenes = draw_scenes(folder / "scenes", count, first_seed)
    model = saved_model(folder)
    edited = model.edit(*(Shift(levels=(name,), by=by) for name, by in SHIFTS.items()))
    saved = edited.save(folder / "shifted.pt")
    comparison = compare(model, edited, scenes)
    return Tour(folder, scenes, model, saved.output, comparison)


def classes_by_level(before: Trace) -> list[tuple[str, dict[str, int]]]:
    """How many detections of each class come from each level, smallest class first."""
    table = []
    for name in CLASS_NAMES:
        levels = before.detections.filter(before.detections["class_name"] == name)[
            "level"
        ].to_list()
        table.append((name, {each: levels.count(each) for each in before.layout.level_names}))
    return table
