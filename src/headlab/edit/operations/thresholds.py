"""Put per-class confidence thresholds into the biases."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from headlab.edit.operations.base import Adjustment, class_ids
from headlab.edit.operations.values import BetweenZeroAndOne, ClassReference, between_zero_and_one
from headlab.errors import RecipeError
from headlab.heads.layout import Layout
from headlab.plain_text import first_few


@dataclass(frozen=True, kw_only=True)
class Thresholds(Adjustment):
    """b' = b - logit(t_class) + logit(t_global), so that one global threshold equals the classes' own.

    sigmoid(z) > t_class exactly where sigmoid(z') > t_global, because the sigmoid is increasing and both
    sides move by the same amount. The thresholds refer to the scores after scale and bias, if the recipe has
    those too.

    Heads with anchors multiply the sigmoid by the objectness of each candidate. Then no constant added to z
    is right for every candidate, so thresholds are refused there.

    Attributes:
        thresholds: class -> its confidence threshold, between 0 and 1.
        at: the global threshold at which the result will be used; ultralytics' default is 0.25.
    """

    op: ClassVar[str] = "thresholds"
    thresholds: dict[ClassReference, BetweenZeroAndOne]
    at: BetweenZeroAndOne = 0.25

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settle("at", between_zero_and_one)
        self._settle("thresholds", self._each_checked)

    def _each_checked(self, thresholds: Any) -> dict[int | str, float]:
        if not isinstance(thresholds, Mapping) or not thresholds:
            raise ValueError("at least one class is expected, such as {person: 0.4}")
        return {
            name: self._checked(f"thresholds.{name}", between_zero_and_one, value)
            for name, value in thresholds.items()
        }

    def adjustments(self, layout: Layout) -> dict[int, tuple[float, float]]:
        """Class -> (1, logit(t_global) - logit(t_class)).

        Raises:
            RecipeError: scores are products with an objectness.
        """
        if any(level.anchors_wh_px for level in layout.levels):
            raise RecipeError(
                f"thresholds: a score of {layout.head} is objectness times class probability, so no "
                "change of class rows makes one global threshold equal a class's own.",
                "Filter the detections by class afterwards, or shift the class probability with bias.",
            )
        chosen = class_ids(self.op, layout, self.thresholds)
        return {
            class_id: (1.0, logit(self.at) - logit(threshold))
            for class_id, threshold in zip(chosen, self.thresholds.values(), strict=True)
        }

    def words(self) -> str:
        """Such as "thresholds cat 0.4, dog 0.6 at 0.25"."""
        named = first_few(f"{name} {value:g}" for name, value in self.thresholds.items())
        return f"thresholds {named}, used at {self.at:g}{self.at_levels()}"


def logit(probability: float) -> float:
    """The inverse of the sigmoid: ln(p / (1 - p))."""
    return math.log(probability) - math.log1p(-probability)
