"""Check annotations: what is wrong with lines, boxes, classes, photos and splits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from headlab.boxes.checking.boxes import box_findings, class_findings
from headlab.boxes.checking.images import listing_findings, photo_findings
from headlab.boxes.problems import kinds_of, problem_rows
from headlab.boxes.reading import ReadSettings, as_table
from headlab.boxes.table import CORRUPT_IMAGE, MISSING_IMAGE, BoxTable, Problem
from headlab.errors import InputError
from headlab.plain_text import counted
from headlab.results.result import Result

if TYPE_CHECKING:
    import polars as pl
    from rich.console import RenderableType
    from typing_extensions import Unpack


@dataclass(frozen=True, repr=False, eq=False)
class Findings(Result):
    """What is wrong or odd in annotations: a list of problems, with file and line.

    Attributes:
        problems: first what reading found, then boxes, classes and images.
        annotations: what was checked.
    """

    problems: tuple[Problem, ...]
    annotations: BoxTable

    title: ClassVar[str] = "findings"

    def __len__(self) -> int:
        return len(self.problems)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.problems)

    def __getitem__(self, number: int) -> Problem:
        return self.problems[number]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What makes a box or an image unusable."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def ok(self) -> bool:
        """There are no errors; there may be warnings."""
        return not self.errors

    @property
    def table(self) -> pl.DataFrame:
        """One row per finding: `severity`, `kind`, `file`, `line`, `image`, `message`."""
        return problem_rows(self.problems)

    @property
    def summary(self) -> str:
        """How many errors and warnings."""
        errors = len(self.errors)
        return f"{counted(errors, 'error')}, {counted(len(self) - errors, 'warning')}"

    def to_dict(self) -> dict[str, Any]:
        """What was read, how many findings of each kind, and every one."""
        table, errors = self.annotations, len(self.errors)
        return {
            "data": list(table.sources),
            "format": table.format,
            "images": table.images.height,
            "boxes": table.boxes.height,
            "splits": table.split_counts,
            "classes": [
                {"class_id": number, "class_name": table.class_name(number), "boxes": count}
                for number, count in table.class_counts.items()
            ],
            "errors": errors,
            "warnings": len(self) - errors,
            "kinds": [
                {"severity": severity, "kind": kind, "count": count}
                for severity, kind, count in kinds_of(self.problems)
            ],
            "findings": [asdict(problem) for problem in self.problems],
        }

    def text(self, show_all: bool = False) -> Iterable[RenderableType]:
        """What was read, and the first findings of each kind.

        Args:
            show_all: every finding instead.
        """
        from headlab.boxes.checking.text import findings_text

        return findings_text(self, show_all=show_all)


def check(
    data: str | Path | Sequence[str | Path] | BoxTable,
    *,
    photos: bool = True,
    deep: bool = False,
    assume_size: tuple[int, int] | None = None,
    **settings: Unpack[ReadSettings],
) -> Findings:
    """Find everything that is wrong or odd in annotations.

    Args:
        data: annotations: a path that `headlab.boxes.read` reads, several (each being a split), or a box
            table.
        photos: look at the photos, too: whether they exist, their sizes, and whether two are the same.
        deep: decode every photo, which finds those that are cut off.
        assume_size: height and width in pixels of photos whose size is unknown.
        settings: how data is read: `format`, `names`, `images`, `split`, `encoding`, as of
            `headlab.boxes.read`.

    Raises:
        InputError: data cannot be read as annotations at all, or `deep` is asked for without `photos`.
    """
    if deep and not photos:
        raise InputError(
            "A deep check looks into the photos, which are not to be looked at.",
            "Leave out --deep, or --no-photos.",
        )
    table = as_table(data, assume_size, **settings)
    problems = list(table.problems)
    if photos:  # every photo is looked at again
        by_reading = (MISSING_IMAGE, CORRUPT_IMAGE)
        problems = [problem for problem in problems if problem.kind not in by_reading]
    problems += box_findings(table)
    problems += class_findings(table)
    problems += listing_findings(table)
    if photos:
        problems += photo_findings(table, deep=deep)
    return Findings(tuple(problems), table)
