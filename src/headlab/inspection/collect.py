"""Collect what `headlab inspect` shows.

Nothing here imports torch: all of it comes from the checkpoint's directory and pickle, and from the
few tensors that hold class rows.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

import numpy as np

from headlab.checkpoint.checkpoint import Checkpoint
from headlab.errors import InputError, UnknownName
from headlab.families.facts import Facts
from headlab.families.table import family_of
from headlab.heads.layout import ClassRows, Layout
from headlab.inspection.inspection import (
    ClassParameters,
    ClassShown,
    Inspection,
    LevelShown,
    Parameter,
)

DEFAULT_IMGSZ = 640


def inspection(
    checkpoint: Checkpoint,
    layout: Layout,
    imgsz: tuple[int, int] | None = None,
    classes: Sequence[str | int] = (),
    pattern: str | None = None,
    *,
    explain: bool = False,
) -> Inspection:
    """Collect what there is to show.

    Args:
        checkpoint: the model file.
        layout: its head.
        imgsz: the input's height and width in pixels; None takes the model's own.
        classes: class names or numbers to show per level.
        pattern: a glob of parameter names to list; None lists none.
        explain: also say where the numbers come from.

    Raises:
        InputError: the size is not a multiple of the largest stride, or no parameter matches.
        UnknownName: the model has no such class.
        CheckpointError: a tensor is damaged.
    """
    family = family_of(checkpoint)
    facts = family.facts(checkpoint, layout)
    input_hw_px, imgsz_from = _input_size(checkpoint, layout, facts, imgsz)
    parameters = _parameters(checkpoint, layout)
    ids = list(dict.fromkeys(layout.class_id(name) for name in classes))
    tensors = [tensor for tensor in checkpoint.tensors.values() if tensor.is_parameter]
    return Inspection(
        path=str(checkpoint.path),
        layout=layout,
        metadata=checkpoint.about,
        input_hw_px=input_hw_px,
        imgsz_from=imgsz_from,
        levels=_levels(checkpoint, layout, facts, input_hw_px, parameters),
        parameter_tensors=len(tensors),
        parameter_numbers=sum(tensor.numel for tensor in tensors),
        classes=tuple(_classes(checkpoint, layout, ids)),
        parameters=None if pattern is None else _matching(list(parameters.values()), pattern),
        facts=facts.summary,
        notes=facts.notes,
        warnings=family.warnings(checkpoint),
        explanation=family.explain(checkpoint, layout, input_hw_px) if explain else None,
    )


def _input_size(
    checkpoint: Checkpoint, layout: Layout, facts: Facts, asked: tuple[int, int] | None
) -> tuple[tuple[int, int], str]:
    if asked is not None:
        return asked, "option"
    height, width = checkpoint.input_hw_px or (DEFAULT_IMGSZ, DEFAULT_IMGSZ)
    largest = max(layout.strides_px)
    rounded = (-(-height // largest) * largest, -(-width // largest) * largest)
    return rounded, facts.imgsz_from


def _parameters(checkpoint: Checkpoint, layout: Layout) -> dict[str, Parameter]:
    """Every parameter by name, numbered as `named_parameters()` numbers them."""
    holds = {
        name: (level.name, rows.branch)
        for level in layout.levels
        for rows in level.class_rows
        for name in (rows.weight, rows.bias)
    }
    names = [name for name, tensor in checkpoint.tensors.items() if tensor.is_parameter]
    found = {}
    for index, name in enumerate(names):
        tensor = checkpoint.tensors[name]
        level, branch = holds.get(name, (None, None))
        found[name] = Parameter(index, name, tensor.shape, tensor.dtype, level, branch)
    return found


def _matching(parameters: list[Parameter], pattern: str) -> tuple[Parameter, ...]:
    """The parameters whose name matches; the name as `YOLO(...)` prints it, with one more `model.`, too."""
    found = tuple(
        each
        for each in parameters
        if fnmatch.fnmatchcase(each.name, pattern)
        or fnmatch.fnmatchcase(f"model.{each.name}", pattern)
    )
    if found:
        return found
    if any(pattern in each.name for each in parameters):
        raise InputError(
            f"No parameter is named {pattern!r}.", f"Part of a name: use '*{pattern}*'."
        )
    raise UnknownName("parameter", pattern, (each.name for each in parameters))


def _levels(
    checkpoint: Checkpoint,
    layout: Layout,
    facts: Facts,
    input_hw_px: tuple[int, int],
    parameters: dict[str, Parameter],
) -> tuple[LevelShown, ...]:
    space = layout.addresses(*input_hw_px)
    return tuple(
        LevelShown(
            level.name,
            level.stride_px,
            level.slots,
            space.grids_hw[at],
            space.count(at),
            tuple(_class_parameters(checkpoint, rows, parameters) for rows in level.class_rows),
            level.anchors_wh_px,
            facts.masks.get(level.name, ()),
        )
        for at, level in enumerate(layout.levels)
    )


def _class_parameters(
    checkpoint: Checkpoint, rows: ClassRows, parameters: dict[str, Parameter]
) -> ClassParameters:
    not_finite = sum(
        int((~np.isfinite(checkpoint.array(name))).sum()) for name in (rows.weight, rows.bias)
    )
    return ClassParameters(rows.branch, parameters[rows.weight], parameters[rows.bias], not_finite)


def _classes(checkpoint: Checkpoint, layout: Layout, ids: list[int]) -> list[ClassShown]:
    branches = (
        [(level, rows) for level in layout.levels for rows in level.class_rows] if ids else []
    )
    numbers = {
        name: checkpoint.array(name).astype(np.float64)
        for _, rows in branches
        for name in (rows.weight, rows.bias)
    }
    shown = []
    for class_id in ids:
        for level, rows in branches:
            for slot in range(level.slots):
                row = rows.row(class_id, slot)
                bias = float(numbers[rows.bias][row])
                norm = float(np.sqrt((numbers[rows.weight][row] ** 2).sum()))
                of = (class_id, layout.class_names[class_id], level.name, rows.branch)
                shown.append(ClassShown(*of, slot, row, bias, norm))
    return shown
