"""What a format cannot express, counted while it is written."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from headlab.boxes.table import Problem


@dataclass
class Losses:
    """Collects warnings about what was lost.

    Attributes:
        file: what is written, for the messages.
        problems: so far.
    """

    file: str
    problems: list[Problem] = field(default_factory=list)

    def note(self, kind: str, count: int, text: str, of: str = "boxes") -> None:
        """Warn if there are any.

        Args:
            kind: a short name for the kind of warning.
            count: how many boxes or images it concerns.
            text: what is lost; "{}" becomes, for example, "12 of the boxes have".
            of: "boxes" or "images".
        """
        if count:
            has = "has" if count == 1 else "have"
            message = text.format(f"{count:,} of the {of} {has}") + "."
            self.problems.append(Problem("warning", kind, message, self.file))

    def without_crowds(self, boxes: pl.DataFrame) -> pl.DataFrame:
        """The boxes of single objects: without such a flag, a crowd would become one object."""
        self.note(
            "crowd",
            int(boxes["crowd"].sum()),
            "{} the flag 'crowd', which the format does not have: they were left out",
        )
        single = boxes.filter(~pl.col("crowd"))
        self.without_difficult(single)
        return single

    def without_difficult(self, boxes: pl.DataFrame) -> None:
        """Warn that difficult boxes become ordinary ones."""
        self.note(
            "difficult",
            int(boxes["difficult"].sum()),
            "{} the flag 'difficult', which the format does not have: they were written as ordinary boxes",
        )
