"""Which class of the model is which class of the annotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headlab.boxes.table import BoxTable
from headlab.errors import InputError
from headlab.heads.layout import Layout

_SHOWN = 8


@dataclass(frozen=True)
class ClassMatch:
    """The classes that are evaluated, numbered from 0 in the order of the model's.

    Attributes:
        names: as the model calls them, (C,).
        model_ids: their numbers in the model, (C,).
        of_model: by the model's class number the evaluated class, or -1.
        of_data: by the annotations' class number the evaluated class; the others are left out.
        unknown: classes of the annotations that the model does not have, with their number of boxes.
        absent: classes of the model that the annotations do not have.
        by_number: the model's names of the numbers in the annotations, if these have no names.
    """

    names: tuple[str, ...]
    model_ids: tuple[int, ...]
    of_model: NDArray[np.int64]
    of_data: Mapping[int, int]
    unknown: dict[str, int]
    absent: tuple[str, ...]
    by_number: Mapping[int, str] = field(default_factory=dict)

    def remarks(self) -> list[str]:
        """How classes were matched if not by name, and what is not evaluated, in sentences."""
        remarks = []
        if self.by_number:
            pairs = [f"{number} is {name}" for number, name in self.by_number.items()]
            remarks.append(
                "the annotations have no class names, so that their numbers were taken for the model's: "
                f"{_listed(pairs)}; --data-names gives them names"
            )
        if self.unknown:
            boxes = sum(self.unknown.values())
            remarks.append(
                f"not evaluated: {_listed(list(self.unknown))} ({boxes:,} "
                f"{'box' if boxes == 1 else 'boxes'}), which the model does not have"
            )
        if self.absent:
            remarks.append(
                f"not evaluated: {_listed(self.absent)}, which the annotations do not have"
            )
        return remarks


def matched_classes(layout: Layout, table: BoxTable) -> ClassMatch:
    """Match classes by name, in any letter case; by number where the annotations have no names.

    Args:
        layout: of the model.
        table: the annotations.

    Raises:
        InputError: none of the classes match, the model has several that fit one, or a number has no class.
    """
    of_data = _by_name(layout, table) if table.class_names else _by_number(layout, table)
    model_ids = sorted(set(of_data.values()))
    of_model = np.full(len(layout.class_names), -1, np.int64)
    of_model[model_ids] = np.arange(len(model_ids))
    counts = dict(table.boxes["class_id"].value_counts().sort("class_id").iter_rows())
    missing = [at for at in range(len(table.class_names)) if at not in of_data]
    nameless = [at for at in counts if at not in of_data and at not in missing]
    unnamed = () if table.class_names else counts
    return ClassMatch(
        tuple(layout.class_names[number] for number in model_ids),
        tuple(model_ids),
        of_model,
        {at: int(of_model[number]) for at, number in of_data.items()},
        {table.class_name(at): counts.get(at, 0) for at in (*missing, *nameless)},
        tuple(name for at, name in enumerate(layout.class_names) if of_model[at] < 0),
        {number: layout.class_names[number] for number in unnamed},
    )


def _by_name(layout: Layout, table: BoxTable) -> dict[int, int]:
    """The model's class number by that of the annotations, where there is one."""
    numbers = {at: _named(layout, name) for at, name in enumerate(table.class_names)}
    known = {at: number for at, number in numbers.items() if number is not None}
    if not known:
        raise InputError(
            "The annotations and the model have no class in common: the annotations have "
            f"{_listed(table.class_names)}; the model has {_listed(layout.class_names)}.",
            "Give the annotations the model's class names with --data-names, or rename the model's classes "
            "with headlab edit.",
        )
    return known


def _named(layout: Layout, name: str) -> int | None:
    same = [at for at, known in enumerate(layout.class_names) if known == name]
    alike = same or [
        at for at, known in enumerate(layout.class_names) if known.casefold() == name.casefold()
    ]
    if len(alike) > 1:
        raise InputError(
            f"The model has several classes named {name!r}: numbers {', '.join(map(str, alike))}.",
            "Rename them with headlab edit.",
        )
    return alike[0] if alike else None


def _by_number(layout: Layout, table: BoxTable) -> dict[int, int]:
    """Every class by its own number."""
    largest, count = table.boxes["class_id"].max(), len(layout.class_names)
    if isinstance(largest, int) and largest >= count:
        row = table.boxes.filter(pl.col("class_id") == largest).row(0, named=True)
        where = row["file"] if row["line"] is None else f"{row['file']}:{row['line']}"
        raise InputError(
            f"{where}: class number {largest}; the model has {count} classes, 0 to {count - 1}.",
            "Is this data set meant for this model? Give its class names with --data-names to match by name.",
        )
    return {at: at for at in range(count)}


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
