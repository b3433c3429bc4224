"""The kinds of values that operations have, and their checks, however an operation is made.

Values given as data go through pydantic first, which reads the annotations below; the functions check what
pydantic's own types cannot. pydantic itself is not imported here, since that takes about half as long as an
edit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

_WIDEST_BITS = 1024


class Before:
    """In an annotation: pydantic calls a function with a value before it looks at the type."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        """See pydantic's protocol for custom types."""
        from pydantic_core import core_schema

        return core_schema.no_info_before_validator_function(self._function, handler(source))


def one_or_more(value: Any) -> Any:
    """A single name becomes a tuple of one, any list a tuple; other values stay, to be refused."""
    if isinstance(value, (int, str)):
        return (value,)
    if isinstance(value, Iterable) and not isinstance(value, (Mapping, bytes, bytearray)):
        return tuple(value)
    return value


def class_reference(value: Any) -> int | str:
    """A class's name or number.

    Raises:
        ValueError: it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError(
            "a class name or number is expected; YAML reads some words, such as no, on "
            "and 1e3, as other things: put them in quotes"
        )
    return _writable(value) if isinstance(value, int) else value


def whole(value: Any) -> int:
    """A whole number.

    Raises:
        ValueError: it is something else, including a boolean or a text.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"a valid integer is expected, not {type(value).__name__}")
    return _writable(value)


def finite(value: Any) -> float:
    """A finite number.

    Raises:
        ValueError: it is infinite, NaN, or something else, including a boolean or a text.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"a number is expected, not {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"a finite number is expected, not {number}")
    return number


def above_zero(value: Any) -> float:
    """A finite number greater than 0.

    Raises:
        ValueError: it is something else.
    """
    number = finite(value)
    if number <= 0:
        raise ValueError(f"a number greater than 0 is expected, not {number:g}")
    return number


def between_zero_and_one(value: Any) -> float:
    """A number greater than 0 and less than 1.

    Raises:
        ValueError: it is something else.
    """
    number = finite(value)
    if not 0 < number < 1:
        raise ValueError(f"a number greater than 0 and less than 1 is expected, not {number:g}")
    return number


def _writable(value: int) -> int:
    """Refuse numbers with so many digits that Python does not convert them to text."""
    if value.bit_length() > _WIDEST_BITS:
        raise ValueError("a number of at most 308 digits is expected")
    return value


ClassReference = Annotated[int | str, Before(class_reference)]
Classes = Annotated[tuple[ClassReference, ...], Before(one_or_more)]
Levels = Annotated[tuple[str, ...], Before(one_or_more)]
Whole = Annotated[int, Before(whole)]
Finite = Annotated[float, Before(finite)]
AboveZero = Annotated[float, Before(above_zero)]
BetweenZeroAndOne = Annotated[float, Before(between_zero_and_one)]
