"""An inspection as tables for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.constrain import Constrain
from rich.text import Text

from headlab.inspection.explain.parts import anchor_text
from headlab.inspection.explain.text import explanation_text
from headlab.inspection.inspection import ClassParameters, Inspection, Parameter
from headlab.inspection.summary import summary
from headlab.results.tables import heading, line, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType
    from rich.table import Table

_WIDEST_NOTE = 80

_IMGSZ_FROM = {
    "option": "--imgsz",
    "training": "the size of the training",
    "model": "the model's own size",
    "default": "the default",
}


def inspection_text(shown: Inspection) -> Iterator[RenderableType]:
    """The parts to print, in order."""
    yield from summary(shown)
    if shown.explanation is None:
        yield from _head(shown)
    yield from _warnings(shown)
    if shown.explanation is not None:
        yield from explanation_text(shown.explanation)
    if shown.classes:
        yield heading("Classes")
        yield _classes(shown)
    if shown.parameters is not None:
        yield heading("Parameters")
        yield _parameters(shown.parameters)


def _head(shown: Inspection) -> Iterator[RenderableType]:
    height, width = shown.input_hw_px
    chosen = _IMGSZ_FROM[shown.imgsz_from]
    yield heading(f"Levels at an input of {height} x {width} px ({chosen})")
    yield _levels(shown)
    for note in shown.notes:
        yield Constrain(line(f"note: {note}"), _WIDEST_NOTE)
    yield heading(f"Class rows: {_which_row(shown)}")
    yield _class_rows(shown)
    if shown.layout.has_anchors:
        yield heading("Rows by slot")
        yield _slot_rows(shown)


def _which_row(shown: Inspection) -> str:
    if not shown.layout.has_anchors:
        return "row i of each makes the score of class i"
    rows = shown.layout.levels[0].class_rows[0]
    row = f"a * {rows.rows_per_slot} + {rows.first_row} + i"
    return f"row {row} of each makes the score of class i in slot a"


def _slot_rows(shown: Inspection) -> Table:
    rows = shown.layout.levels[0].class_rows[0]
    last = len(shown.layout.class_names) - 1
    made = []
    for slot in range(max(level.slots for level in shown.levels)):
        first = rows.row(0, slot)
        start = first - rows.first_row
        spans = (f"{start} to {start + 3}", start + 4, f"{first} to {first + last}")
        made.append([slot, *spans])
    classes = f">classes 0 to {last}"
    return table([">slot", ">tx, ty, tw, th", ">objectness", classes], made)


def _levels(shown: Inspection) -> Table:
    rows = []
    for level in shown.levels:
        height, width = level.grid_hw
        size = [f"{level.stride_px} px", f"{height} x {width}"]
        slots = [level.slots] if shown.layout.has_anchors else []
        anchors = (
            [" ".join(map(anchor_text, level.anchors_wh_px))] if shown.layout.has_anchors else []
        )
        name = Text(level.name, style="bold")
        rows.append([name, *size, *slots, level.candidates, *anchors])
    blank = [""] if shown.layout.has_anchors else []
    rows.append(["all", "", "", *blank, shown.candidates, *blank])
    columns = ["level", ">stride", ">grid", *([">slots"] if shown.layout.has_anchors else [])]
    anchors_column = ["anchors (w x h, px)"] if shown.layout.has_anchors else []
    return table([*columns, ">candidates", *anchors_column], rows)


def _class_rows(shown: Inspection) -> Table:
    branches = len(shown.layout.branches) > 1
    rows = [
        [
            Text(level.name, style="bold"),
            *([held.branch] if branches else []),
            parameter.index,
            parameter.name,
            _shape(parameter),
            parameter.dtype,
        ]
        for level in shown.levels
        for held in level.class_rows
        for parameter in (held.weight, held.bias)
    ]
    columns = [
        "level",
        *(["branch"] if branches else []),
        ">index",
        "parameter",
        ">shape",
        "dtype",
    ]
    return table(columns, rows)


def _warnings(shown: Inspection) -> Iterator[Text]:
    for level in shown.levels:
        for held in level.class_rows:
            if held.not_finite:
                yield line(_not_finite(level.name, held), "bold red")


def _not_finite(level: str, held: ClassParameters) -> str:
    numbers = "1 number" if held.not_finite == 1 else f"{held.not_finite} numbers"
    return (
        f"WARNING: the class rows of {level} ({held.branch}) hold {numbers} "
        f"that {'is' if held.not_finite == 1 else 'are'} NaN or infinite."
    )


def _classes(shown: Inspection) -> Table:
    branches = len(shown.layout.branches) > 1
    slots = shown.layout.has_slots
    rows = [
        [
            f"{each.class_id} {each.class_name}",
            Text(each.level, style="bold"),
            *([each.branch] if branches else []),
            *([each.slot] if slots else []),
            each.row,
            f"{each.bias:.4f}",
            f"{each.weight_norm:.4f}",
        ]
        for each in shown.classes
    ]
    columns = [
        "class",
        "level",
        *(["branch"] if branches else []),
        *([">slot"] if slots else []),
        ">row",
        ">bias",
        ">weight norm",
    ]
    return table(columns, rows)


def _parameters(parameters: tuple[Parameter, ...]) -> Table:
    rows = []
    for each in parameters:
        style = "bold" if each.level else ""
        mark = f"{each.level} class rows" if each.level else ""
        cells = (each.index, each.name, _shape(each), each.dtype, mark)
        rows.append([line(cell, style) for cell in cells])
    return table([">index", "parameter", ">shape", "dtype", ""], rows)


def _shape(parameter: Parameter) -> str:
    return " x ".join(map(str, parameter.shape)) or "scalar"
