"""What the tour shows in a terminal, and the commands to go on with."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from headlab.comparison.text import comparison_text
from headlab.demo.places import classes_by_place, shift_words
from headlab.plain_text import counted
from headlab.results.tables import heading, line, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from headlab.demo.guide import Tour


def tour_text(tour: Tour) -> Iterator[RenderableType]:
    """The head, its detections, the experiment, and what to do next."""
    layout = tour.model.layout
    classes = counted(len(tour.model.class_names), "class", "classes")
    yield heading(f"1. The head: {layout.head}, {classes}")
    slots = [counted(level.slots, "slot") for level in layout.levels] if layout.has_slots else []
    rows = [
        [level.name, f"{level.stride_px} px", *slots[at : at + 1], level.class_rows[0].weight]
        for at, level in enumerate(layout.levels)
    ]
    yield table(["level", ">stride", *([">slots"] if slots else []), "class rows"], rows)

    yield heading("2. Where its detections come from")
    counts = [[name, *by.values()] for name, by in classes_by_place(tour.comparison.before)]
    yield table(["class", *(f">{layout.place_name(place)}" for place in layout.places)], counts)

    yield heading(f"3. The same with shifted class rows ({shift_words(tour.shifts)})")
    yield from comparison_text(tour.comparison, most_rows=0)

    yield heading("Look at")
    yield line(f"{tour.pictures}/  before (left) and after (right), each box in its level's colour")
    yield heading("Go on with")
    for command in _next_commands(tour):
        yield line(command)
    for note in _wrapped_shifts(tour):
        yield line(note, "dim")


def _next_commands(tour: Tour) -> Iterator[str]:
    program = headlab_program()
    original, shifted = _word(tour.model.path), _word(tour.shifted)
    traced = _word(tour.folder / "traced")
    restored = tour.shifted.with_name(tour.shifted.name.replace("shifted", "restored"))
    yield f"{program} inspect {original}"
    yield f"{program} diff {original} {shifted}"
    yield f"{program} trace {shifted} {_word(tour.images[0])} --save {traced}"
    yield f"{program} edit {shifted} --undo -o {_word(restored)}"


def _wrapped_shifts(tour: Tour) -> Iterator[str]:
    """Shifts are cyclic: diff names the smaller of two equal ones, which surprises."""
    count = len(tour.model.class_names)
    for name, by in tour.shifts.items():
        if by > count // 2:
            yield (
                f"(diff says that {name} was shifted by {by - count}: with {count} classes that is "
                f"the same as by {by}, since a shift goes round.)"
            )


def _word(path: Path) -> str:
    """The path as one word of a command."""
    return shlex.quote(str(path))


def headlab_program() -> str:
    """How to start `headlab` from here: by its name where PATH has this one, else by its path."""
    own = Path(sys.executable).with_name("headlab")
    found = shutil.which("headlab")
    if found is not None and (not own.exists() or Path(found).samefile(own)):
        return "headlab"
    if not own.exists():
        return f"{_word(Path(sys.executable))} -m headlab"
    near = os.path.relpath(own)
    return _word(Path(near if not near.startswith("..") else own))
