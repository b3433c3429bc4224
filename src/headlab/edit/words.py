"""A plan in words: what changes on each level, in lines that fit a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from headlab.edit.plan import ClassStep, LevelStep, Plan
from headlab.plain_text import counted

_SHOWN = 4


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
    """Which rows of which tensors are meant; heads with anchors have one branch, without a name."""
    last = len(plan.old_names) - 1
    for rows in step.level.class_rows:
        ranges = ", ".join(f"{rows.row(0, slot)} to {rows.row(last, slot)}" for slot in slots)
        branch = "" if step.level.anchors_wh_px else f"{rows.branch}: "
        yield f"    {branch}{rows.weight} and .bias, rows {ranges}"


def step_words(plan: Plan, classes: Sequence[ClassStep]) -> str:
    """What happens to the class rows of a place, such as "rows shifted by 1"."""
    parts = []
    sources = [each.source for each in classes]
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
        parts.append(f"scores as: {some(moved)}")
    if plan.keeps_shapes and list(plan.labels) != sorted(plan.labels):
        parts.append("rows follow the classes' new order")
    labelled = list(zip(plan.labels, classes, strict=True))
    adjusted = [
        f"{plan.old_names[label]} x{each.factor:.4g} {each.offset:+.4g}"
        for label, each in labelled
        if not each.suppressed and not each.keeps_numbers
    ]
    if adjusted:
        parts.append(f"logits: {some(adjusted)}")
    muted = [plan.old_names[label] for label, each in labelled if each.suppressed]
    if muted:
        parts.append(f"suppressed: {some(muted)}")
    return "; ".join(parts)


def shift_of(sources: Sequence[int | None]) -> int | None:
    """The k of a cyclic shift (new row i = old row i - k), nearest to 0; None if it is not one."""
    count = len(sources)
    if count < 2 or sources[0] is None:
        return None
    by = -sources[0] % count
    if by == 0 or any(source != (new - by) % count for new, source in enumerate(sources)):
        return None
    return by if by <= count // 2 else by - count


def _name_line(plan: Plan) -> str:
    if not plan.keeps_shapes:
        return (
            f"names  {counted(len(plan.class_names), 'class', 'classes')}: {some(plan.class_names)}"
        )
    changed = [
        f"{number} {old} -> {new}"
        for number, (old, new) in enumerate(zip(plan.old_names, plan.class_names, strict=True))
        if old != new
    ]
    return f"names  {some(changed)}"


def some(texts: Sequence[str]) -> str:
    """The first few of many, and how many more."""
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more
