"""An inspection as tables for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.constrain import Constrain
from rich.text import Text

from headlab.families.facts import anchor_text
from headlab.inspection.explanation_text import explanation_text
from headlab.results.tables import heading, line, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType
    from rich.table import Table

    from headlab.heads.layout import ClassRows
    from headlab.inspection.inspection import ClassParameters, Inspection, Parameter

_WIDEST_NOTE = 80

_IMGSZ_FROM = {
    "option": "--imgsz",
    "training": "the size of the training",
    "model": "the model's own size",
    "default": "the default",
}


def inspection_text(shown: Inspection) -> Iterator[RenderableType]:
    """The parts to print, in order."""
    yield line(shown.path, "bold")
    for label, text in shown.facts:
        yield line(f"  {label:<10}  {text}")
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
    rows = _first_class_rows(shown)
    if rows is None:
        return
    yield heading(f"Class rows: {_which_row(rows)}")
    yield _class_rows(shown)
    if rows.first_row:
        yield heading("Rows by slot")
        yield _slot_rows(shown, rows)


def _first_class_rows(shown: Inspection) -> ClassRows | None:
    """Those of the finest level, which stand for all; None where the file has none."""
    return next(iter(shown.layout.levels[0].class_rows), None)


def _which_row(rows: ClassRows) -> str:
    """Which row makes the score of a class; where slots hold box outputs too, these come first."""
    if not rows.first_row:
        return "row i of each makes the score of class i"
    row = f"a * {rows.rows_per_slot} + {rows.first_row} + i"
    return f"row {row} of each makes the score of class i in slot a"


def _slot_rows(shown: Inspection, rows: ClassRows) -> Table:
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
    anchors = any(level.anchors_wh_px for level in shown.levels)
    rows = []
    for level in shown.levels:
        height, width = level.grid_hw
        size = [f"{level.stride_px} px", f"{height} x {width}"]
        slots = [level.slots] if anchors else []
        texts = [" ".join(map(anchor_text, level.anchors_wh_px))] if anchors else []
        rows.append([Text(level.name, style="bold"), *size, *slots, level.candidates, *texts])
    blank = [""] if anchors else []
    rows.append(["all", "", "", *blank, shown.candidates, *blank])
    columns = ["level", ">stride", ">grid", *([">slots"] if anchors else []), ">candidates"]
    return table([*columns, *(["anchors (w x h, px)"] if anchors else [])], rows)


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


def _warnings(shown: Inspection) -> Iterator[RenderableType]:
    for warning in shown.warnings:
        yield Constrain(line(f"WARNING: {warning}", "bold red"), _WIDEST_NOTE)
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
