"""Annotations and their problems in a few lines, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from headlab.boxes.formats.format import FORMAT_TITLES
from headlab.boxes.problems import kinds_of
from headlab.plain_text import counted
from headlab.results.tables import line, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from headlab.boxes.table import BoxTable, Problem

_CLASSES_SHOWN = 8
_STYLES = {"error": "bold red", "warning": "yellow"}


def summary_lines(annotations: BoxTable) -> Iterator[Text]:
    """What was read: from where, in which format, how many images, boxes and classes."""
    yield line(", ".join(annotations.sources) or annotations.title, "bold")
    reason = f": {annotations.recognised}" if annotations.recognised else ""
    yield line(f"  format   {FORMAT_TITLES[annotations.format]}{reason}")
    splits = ", ".join(f"{name} {count:,}" for name, count in annotations.split_counts.items())
    yield line(f"  images   {annotations.images.height:,}" + (f" ({splits})" if splits else ""))
    counts = annotations.class_counts
    most_frequent = sorted(counts, key=lambda number: -counts[number])[:_CLASSES_SHOWN]
    names = ", ".join(
        f"{annotations.class_name(number)} ({counts[number]:,})" for number in most_frequent
    )
    more = ", …" if len(counts) > len(most_frequent) else ""
    of_classes = f" of {counted(len(counts), 'class', 'classes')}: {names}{more}" if counts else ""
    yield line(f"  boxes    {annotations.boxes.height:,}{of_classes}")
    if annotations.names_source:
        yield line(f"  names    from {annotations.names_source}")


def kinds_table(problems: Sequence[Problem]) -> RenderableType:
    """How many problems there are of each kind."""
    return table(
        ["", "kind", ">count"],
        [
            [Text(severity, style=_STYLES[severity]), kind, f"{count:,}"]
            for severity, kind, count in kinds_of(problems)
        ],
    )


def problem_line(problem: Problem, *, with_image: bool | None = None) -> str:
    """A problem with its file and line, where they are known.

    Args:
        problem: the problem.
        with_image: also name the image that it concerns; by default only where there is no line.
    """
    named = problem.line is None if with_image is None else with_image
    shown = problem.image if named and problem.image not in problem.message else ""
    return ": ".join(part for part in (problem.where, shown, problem.message) if part)


def unread_lines(problems: Sequence[Problem], indent: str = "") -> Iterator[Text]:
    """What was skipped while reading, and what was put right: by kind, each with the first problem."""
    for title, right in (("skipped", False), ("put right", True)):
        listed = [problem for problem in problems if problem.is_put_right == right]
        if listed:
            kinds = ", ".join(f"{kind} ({count:,})" for _, kind, count in kinds_of(listed))
            yield line(f"{indent}{title} while reading: {kinds}; the first:", "yellow")
            yield line(f"{indent}  {problem_line(listed[0])}", "yellow")


def left_out_lines(skipped: Mapping[str, int], indent: str = "") -> Iterator[Text]:
    """How many boxes were left out, by reason."""
    for reason, count in skipped.items():
        yield line(f"{indent}left out: {counted(count, 'box', 'boxes')} {reason}", "yellow")
