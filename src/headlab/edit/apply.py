"""Plan -> a new checkpoint with the changed rows. The input is never changed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from headlab.checkpoint.checkpoint import Checkpoint
from headlab.checkpoint.tensors import decoded, encoded
from headlab.edit.operations.suppress import SUPPRESSED_BIAS
from headlab.edit.plan import ClassStep, LevelStep, Plan
from headlab.heads.layout import ClassRows

Array = NDArray[np.generic]


def apply(checkpoint: Checkpoint, plan: Plan) -> Checkpoint:
    """Make the edited checkpoint; nothing is written.

    Moved rows keep their bits. Other rows are computed in float64 and rounded once, to the tensor's own
    dtype.

    Raises:
        CheckpointError: a result does not fit the dtype, or a tensor shares its memory with one that
            the plan does not change in the same way.
    """
    count = len(plan.old_names)
    changed: dict[str, Array] = {}
    for step in plan.changed_levels:
        for rows in step.level.class_rows:
            weight, bias = checkpoint.array(rows.weight), checkpoint.array(rows.bias)
            new_weight, new_bias = edited_rows(weight, bias, step, rows, count)
            for name, old, new in ((rows.weight, weight, new_weight), (rows.bias, bias, new_bias)):
                tensor = checkpoint.tensor(name)
                stored = decoded(tensor, encoded(tensor, new))
                if stored.shape != old.shape or stored.tobytes() != old.tobytes():
                    changed[name] = stored
    checkpoint.check_edit(changed)
    names = plan.class_names if plan.class_names != plan.old_names else None
    return checkpoint.edited(changed, names)


def edited_rows(
    weight: Array, bias: Array, step: LevelStep, rows: ClassRows, class_count: int
) -> tuple[Array, Array]:
    """The new weight and bias of one branch of one level.

    Args:
        weight: (R, channels, 1, 1); some of its rows are class rows.
        bias: (R,).
        step: what to do with each class of each slot.
        rows: where the class rows are.
        class_count: classes of the input.

    Returns:
        weight and bias with R' rows, R' = R + slots * (new - old number of classes); in the given dtype
        if all rows only move, else float64.
    """
    old_rows, class_steps = _row_steps(len(bias), step, rows, class_count)
    new_weight, new_bias = weight[old_rows], bias[old_rows]
    computed = {
        row: class_step for row, class_step in class_steps.items() if not class_step.keeps_numbers
    }
    if not computed:
        return new_weight, new_bias
    exact_weight: Any = new_weight.astype(np.float64)
    exact_bias: Any = new_bias.astype(np.float64)
    for row, class_step in computed.items():
        if class_step.suppressed:
            exact_weight[row] = 0.0
            exact_bias[row] = SUPPRESSED_BIAS
        else:
            exact_weight[row] *= class_step.factor
            exact_bias[row] = exact_bias[row] * class_step.factor + class_step.offset
    return exact_weight, exact_bias


def _row_steps(
    row_count: int, step: LevelStep, rows: ClassRows, class_count: int
) -> tuple[list[int], dict[int, ClassStep]]:
    """The old row of each new row, and the steps of the new rows that belong to classes."""
    old_rows: list[int] = []
    class_steps: dict[int, ClassStep] = {}
    after = 0
    for slot in range(step.level.slots):
        old_rows.extend(range(after, rows.row(0, slot)))
        for class_step in step.slots[slot]:
            class_steps[len(old_rows)] = class_step
            old_rows.append(rows.row(class_step.source, slot))
        after = rows.row(0, slot) + class_count
    old_rows.extend(range(after, row_count))
    return old_rows, class_steps
