"""Bake per-class confidence thresholds into the biases."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, field_validator

from headlab.edit.operations.base import Adjustment, ClassReference, class_ids, listed
from headlab.heads.layout import Layout

Threshold = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False, strict=True)]


class Thresholds(Adjustment):
    """b' = b - logit(t_class) + logit(t_global), so that one global threshold equals the classes' own.

    sigmoid(z) > t_class exactly where sigmoid(z') > t_global, because the sigmoid is increasing and both
    sides move by the same amount. The thresholds speak of the scores after scale and bias, if the
    recipe has those too.

    Attributes:
        thresholds: class -> its confidence threshold, between 0 and 1.
        at: the global threshold at which the result will be used; ultralytics' default is 0.25.
    """

    op: Literal["thresholds"] = "thresholds"
    thresholds: dict[ClassReference, Threshold]
    at: Threshold = 0.25

    @field_validator("thresholds")
    @classmethod
    def _some(cls, thresholds: dict[int | str, float]) -> dict[int | str, float]:
        if not thresholds:
            raise ValueError("at least one class is expected, such as {person: 0.4}")
        return thresholds

    def adjustments(self, layout: Layout) -> dict[int, tuple[float, float]]:
        """Class -> (1, logit(t_global) - logit(t_class))."""
        chosen = class_ids(self.op, layout, self.thresholds)
        return {
            class_id: (1.0, logit(self.at) - logit(threshold))
            for class_id, threshold in zip(chosen, self.thresholds.values(), strict=True)
        }

    def words(self) -> str:
        """Such as "thresholds cat 0.4, dog 0.6 at 0.25"."""
        named = listed(f"{name} {value:g}" for name, value in self.thresholds.items())
        return f"thresholds {named}, used at {self.at:g}{self.at_levels()}"


def logit(probability: float) -> float:
    """The inverse of the sigmoid: ln(p / (1 - p))."""
    return math.log(probability) - math.log1p(-probability)
