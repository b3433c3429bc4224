"""An evaluation that shows itself in a terminal through rich."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlab.evaluate.api import Evaluation

if TYPE_CHECKING:
    from rich.console import RenderableType


class EvaluationResult(Evaluation):
    """An evaluation that shows itself."""

    def __rich__(self) -> RenderableType:
        from rich.console import Group

        from headlab.evaluate.text import evaluation_text

        return Group(*evaluation_text(self))
