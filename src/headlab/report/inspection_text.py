"""An inspection as tables for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from headlab.report.inspection import ClassParameters, Inspection, Parameter
from headlab.report.tables import heading, line, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType
    from rich.table import Table

_IMGSZ_FROM = {
    "option": "--imgsz",
    "training": "the size of the training",
    "default": "the default",
}


def inspection_text(shown: Inspection) -> Iterator[RenderableType]:
    """The parts to print, in order."""
    yield from _summary(shown)
    height, width = shown.input_hw_px
    chosen = _IMGSZ_FROM[shown.imgsz_from]
    yield heading(f"Levels at an input of {height} x {width} px ({chosen})")
    yield _levels(shown)
    yield heading("Class rows: row i of each makes the score of class i")
    yield _class_rows(shown)
    yield from _warnings(shown)
    if shown.classes:
        yield heading("Classes")
        yield _classes(shown)
    if shown.parameters is not None:
        yield heading("Parameters")
        yield _parameters(shown.parameters)


def _summary(shown: Inspection) -> Iterator[Text]:
    said, layout = shown.metadata, shown.layout
    yield line(shown.path, "bold")
    count = len(layout.class_names)
    yield line(
        f"  head        {layout.head} ({layout.task}), {' + '.join(layout.branches)}, "
        f"{count} class{'' if count == 1 else 'es'}"
    )
    network = [said["yaml_file"], f"scale {said['scale']}" if said["scale"] else None]
    held = f"{shown.parameter_tensors} parameters, {shown.parameter_numbers:,} numbers"
    yield line("  network     " + ", ".join([*(str(each) for each in network if each), held]))
    if said["train_imgsz"]:
        height, width = said["train_imgsz"]
        size = f"{height} px" if height == width else f"{height} x {width} px"
        data = f", data {said['train_data']}" if said["train_data"] else ""
        yield line(f"  training    {size}{data}")
    written = [
        f"ultralytics {said['version']}" if said["version"] else None,
        said["date"] and str(said["date"])[:19].replace("T", " "),
        "weights of `ema`" if said["weights"] == "ema" else None,
        f"epoch {said['epoch']}" if said["epoch"] is not None else None,
    ]
    if any(written):
        yield line("  written by  " + ", ".join(str(each) for each in written if each))


def _levels(shown: Inspection) -> Table:
    slots = any(level.slots != 1 for level in shown.levels)
    rows = [
        [
            Text(level.name, style="bold"),
            f"{level.stride_px} px",
            f"{level.grid_hw[0]} x {level.grid_hw[1]}",
            *([level.slots] if slots else []),
            level.candidates,
        ]
        for level in shown.levels
    ]
    rows.append(["all", "", "", *([""] if slots else []), shown.candidates])
    columns = ["level", ">stride", ">grid", *([">slots"] if slots else []), ">candidates"]
    return table(columns, rows)


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
    slots = any(level.slots != 1 for level in shown.levels)
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
