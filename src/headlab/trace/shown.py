"""Results that show themselves: in a terminal through rich, and in notebooks."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from headlab.comparison.compare import Comparison
from headlab.trace.trace import Trace

if TYPE_CHECKING:
    from rich.console import RenderableType

T = TypeVar("T")


def shown(kind: type[T], result: Any) -> T:
    """A result as the kind of itself that shows itself."""
    return kind(**{field.name: getattr(result, field.name) for field in fields(result)})


class TraceResult(Trace):
    """A trace that shows itself."""

    def __rich__(self) -> RenderableType:
        from rich.console import Group

        from headlab.trace.text import detection_table, summary_text

        shown = detection_table(self.detections, self.layout.level_names)
        return Group(shown, "", *summary_text(self))

    def _repr_html_(self) -> str:
        from headlab.trace.notebook import trace_html

        return trace_html(self)


class ComparisonResult(Comparison):
    """A comparison that shows itself."""

    def __rich__(self) -> RenderableType:
        from rich.console import Group

        from headlab.comparison.text import comparison_text

        return Group(*comparison_text(self))

    def _repr_html_(self) -> str:
        from headlab.trace.notebook import comparison_html

        return comparison_html(self)
