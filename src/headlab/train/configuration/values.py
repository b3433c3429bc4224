"""The types of a configuration's values, and how they are read from text.

Numbers stand with commas between them, and groups of numbers with slashes: "320,608", "10,14/23,27".
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Factor = Annotated[float, Field(ge=1, allow_inf_nan=False)]
Freeze = Literal["heads-only", "backbone", "none"]


def _pair(value: Any) -> Any:
    """One number as two, and text such as "320,608" as numbers."""
    value = _listed(value)
    if isinstance(value, (list, tuple)):
        return tuple(value) * 2 if len(value) == 1 else value
    return (value, value)


def _listed(value: Any) -> Any:
    """Text such as "1,2.5" as its parts."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _groups(value: Any) -> Any:
    """Text such as "3,4,5/0,1,2" as groups of parts."""
    return [_listed(part) for part in value.split("/")] if isinstance(value, str) else value


def _anchors(value: Any) -> Any:
    """Text such as "10,14/23,27" or "10,14 23,27", and numbers without groups, as pairs."""
    if isinstance(value, str):
        numbers = _numbers(value)
        if len(numbers) < 2:
            return value
        value = numbers
    if isinstance(value, (list, tuple)) and all(isinstance(each, (int, float)) for each in value):
        if not value or len(value) % 2:
            raise ValueError(f"{len(value)} numbers are no pairs of width and height")
        return [tuple(value[at : at + 2]) for at in range(0, len(value), 2)]
    return value


def _once(value: Any) -> Any:
    """Text such as "h5,darknet" as its parts, each of them once."""
    parts = _listed(value)
    return list(dict.fromkeys(map(str, parts))) if isinstance(parts, (list, tuple)) else parts


def _numbers(text: str) -> list[float]:
    """The numbers of a text; none where it holds anything else."""
    try:
        return [float(part) for part in text.replace("/", " ").replace(",", " ").split()]
    except ValueError:
        return []


LARGEST_SIDE_PX = 65_536
"""Of an input; what a memory holds is far less."""

Size = Annotated[tuple[int, int], BeforeValidator(_pair)]
"""Height and width in pixels; one number stands for both."""

_SidePx = Annotated[float, Field(gt=0, le=1_000_000)]
Anchors = Annotated[str | tuple[tuple[_SidePx, _SidePx], ...], BeforeValidator(_anchors)]
Masks = Annotated[tuple[tuple[Annotated[int, Field(ge=0)], ...], ...], BeforeValidator(_groups)]
Weights = Annotated[tuple[NotNegative, ...], BeforeValidator(_listed)]
Formats = Annotated[
    tuple[Literal["safetensors", "darknet", "h5"], ...],
    Field(min_length=1),
    BeforeValidator(_once),
]
