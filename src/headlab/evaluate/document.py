"""An evaluation as a JSON document."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headlab.evaluate.api import Evaluation


def evaluation_document(done: Evaluation, model: str, data: str) -> dict[str, Any]:
    """An evaluation; docs/evaluating.md describes its keys.

    Args:
        done: the evaluation.
        model: the model's file.
        data: the annotations.
    """
    return {
        "model": model,
        "data": data,
        "head": done.layout.head,
        "task": done.layout.task,
        "settings": asdict(done.settings),
        "figures": dict(done.figures.values),
        "recall_50": done.recall,
        "rows": done.rows.to_dicts(),
        "images": done.images.to_dicts(),
        "not_evaluated": {
            "unknown_to_the_model": done.classes.unknown,
            "unknown_to_the_annotations": list(done.classes.absent),
        },
        "remarks": list(done.remarks),
        "skipped": [asdict(each) for each in done.skipped],
    }
