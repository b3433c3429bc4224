"""Problems of annotations as rows, and by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from headlab.results.text_column import text_column

if TYPE_CHECKING:
    from headlab.boxes.table import Problem

_SCHEMA = pl.Schema(
    {
        "severity": pl.String(),
        "kind": pl.String(),
        "file": pl.String(),
        "line": pl.Int64(),
        "image": pl.String(),
        "message": pl.String(),
    }
)


def problem_rows(problems: Sequence[Problem]) -> pl.DataFrame:
    """One row per problem: `severity`, `kind`, `file`, `line`, `image`, `message`; null where unknown."""
    return pl.DataFrame(
        {
            "severity": [problem.severity for problem in problems],
            "kind": [problem.kind for problem in problems],
            "file": text_column([problem.file or None for problem in problems]),
            "line": [problem.line for problem in problems],
            "image": text_column([problem.image or None for problem in problems]),
            "message": text_column([problem.message for problem in problems]),
        },
        schema=_SCHEMA,
    )


def kinds_of(problems: Iterable[Problem]) -> list[tuple[str, str, int]]:
    """Severity, kind and count: errors first, the most frequent kinds first."""
    counts = Counter((problem.severity, problem.kind) for problem in problems)
    ordered = sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))
    return [(severity, kind, count) for (severity, kind), count in ordered]


def one_of_each_kind(problems: Sequence[Problem]) -> list[Problem]:
    """For each kind its first problem, whose message says where it is and how many there are."""
    firsts = []
    for _, kind, count in kinds_of(problems):
        first = next(problem for problem in problems if problem.kind == kind)
        where = f"{first.where}: " if first.where else ""
        more = f" ({count - 1:,} more like this)" if count > 1 else ""
        firsts.append(replace(first, message=f"{where}{first.message}{more}"))
    return firsts


def first_of_each_kind(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """For each kind the first problem, and how many there are, for a JSON document."""
    return [
        {"count": count, **asdict(next(problem for problem in problems if problem.kind == kind))}
        for _, kind, count in kinds_of(problems)
    ]
