"""A plan as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headlab.edit.plan import Plan


def plan_rows(plan: Plan) -> list[dict[str, Any]]:
    """One row per class of the result in each slot of each level; see `Plan.table`."""
    return [
        {
            "level": step.level.name,
            "slot": slot,
            "class_id": class_id,
            "class_name": plan.class_names[class_id],
            "from_id": made.source,
            "from_name": plan.old_names[made.source],
            "factor": made.factor,
            "offset": made.offset,
            "suppressed": made.suppressed,
            "changed": made.source != plan.labels[class_id] or not made.keeps_numbers,
        }
        for step in plan.levels
        for slot, classes in enumerate(step.slots)
        for class_id, made in enumerate(classes)
    ]
