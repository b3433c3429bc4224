"""The text of a plan: what changes on each level, in lines that fit a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from headlab.heads.cyclic_shift import shift_of
from headlab.plain_text import counted, first_few

if TYPE_CHECKING:
    from headlab.edit.plan import ClassStep, LevelStep, Plan


_SHOWN_RANGES = 6


def plan_lines(plan: Plan) -> list[str]:
    """What the plan changes, line by line; one line that says so if it changes nothing."""
    lines = list(_level_lines(plan))
    if plan.class_names != plan.old_names:
        lines.append(_name_line(plan))
    return lines or ["nothing changes"]


def _level_lines(plan: Plan) -> Iterator[str]:
    for step in plan.changed_levels:
        level = step.level
        if step.is_uniform:
            yield f"{level.name}  {step_words(plan, step.slots[0])}"
            yield from _row_lines(plan, step, range(level.slots))
            continue
        for slot in step.changed_slots(len(plan.old_names)):
            yield f"{level.name}/{slot}  {step_words(plan, step.slots[slot])}"
            yield from _row_lines(plan, step, [slot])


def _row_lines(plan: Plan, step: LevelStep, slots: Sequence[int]) -> Iterator[str]:
    """Which rows of which tensors change; heads with anchors have one branch, without a name.

    Where classes are removed, all rows are meant: those that stay move together.
    """
    every = range(len(plan.old_names))
    changed = {slot: step.changed_classes(slot) if plan.keeps_shapes else every for slot in slots}
    for rows in step.level.class_rows:
        numbers = [rows.row(number, slot) for slot in slots for number in changed[slot]]
        branch = "" if step.level.anchors_wh_px else f"{rows.branch}: "
        yield f"    {branch}{rows.weight} and .bias, {_rows_text(numbers)}"


def _rows_text(numbers: Sequence[int]) -> str:
    """Ascending row numbers as "row 14", or "rows 5 to 7, 13"; of many ranges the first ones."""
    ends = [at for at in range(len(numbers)) if numbers[at] + 1 not in numbers[at + 1 : at + 2]]
    starts = [0, *(at + 1 for at in ends[:-1])]
    ranges = [
        f"{numbers[start]} to {numbers[end]}" if start < end else str(numbers[start])
        for start, end in zip(starts, ends, strict=True)
    ]
    more = f", … ({len(numbers)} rows)" if len(ranges) > _SHOWN_RANGES else ""
    rows = "row" if len(numbers) == 1 else "rows"
    return f"{rows} {', '.join(ranges[:_SHOWN_RANGES])}{more}"


def step_words(plan: Plan, classes: Sequence[ClassStep]) -> str:
    """What happens to the class rows of a place, such as "rows shifted by 1"."""
    parts = []
    sources = [class_step.source for class_step in classes]
    if len(sources) != len(plan.old_names):
        parts.append(f"{len(sources)} of {len(plan.old_names)} class rows stay")
    moved = [
        f"{plan.old_names[label]} <- {plan.old_names[source]}"
        for label, source in zip(plan.labels, sources, strict=True)
        if label != source
    ]
    shift = shift_of(sources) if plan.keeps_shapes else None
    if shift is not None:
        parts.append(f"rows shifted by {shift}")
    elif moved:
        parts.append(f"scores as: {first_few(moved)}")
    if plan.keeps_shapes and list(plan.labels) != sorted(plan.labels):
        parts.append("rows follow the classes' new order")
    labelled = list(zip(plan.labels, classes, strict=True))
    adjusted = [
        f"{plan.old_names[label]} x{class_step.factor:.4g} {class_step.offset:+.4g}"
        for label, class_step in labelled
        if not class_step.suppressed and not class_step.keeps_numbers
    ]
    if adjusted:
        parts.append(f"logits: {first_few(adjusted)}")
    suppressed = [plan.old_names[label] for label, class_step in labelled if class_step.suppressed]
    if suppressed:
        parts.append(f"suppressed: {first_few(suppressed)}")
    return "; ".join(parts)


def _name_line(plan: Plan) -> str:
    if not plan.keeps_shapes:
        return f"names  {counted(len(plan.class_names), 'class', 'classes')}: {first_few(plan.class_names)}"
    changed = [
        f"{number} {old} -> {new}"
        for number, (old, new) in enumerate(zip(plan.old_names, plan.class_names, strict=True))
        if old != new
    ]
    return f"names  {first_few(changed)}"
