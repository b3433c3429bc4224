"""Give classes new names."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from headlab.edit.operations.base import Operation, class_ids
from headlab.edit.operations.values import ClassReference
from headlab.heads.layout import Layout
from headlab.plain_text import first_few


@dataclass(frozen=True, kw_only=True)
class Rename(Operation):
    """Names change, rows stay.

    Attributes:
        names: class -> its new name.
    """

    op: ClassVar[str] = "rename"
    names: dict[ClassReference, str]

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settle("names", _readable)

    def new_names(self, layout: Layout) -> dict[int, str]:
        """Class number -> new name.

        Raises:
            InputError: a class is unknown or named twice.
        """
        chosen = class_ids(self.op, layout, self.names)
        return dict(zip(chosen, self.names.values(), strict=True))

    def words(self) -> str:
        """Such as "rename cat to feline"."""
        return "rename " + first_few(f"{old} to {new}" for old, new in self.names.items())


def _readable(names: Any) -> dict[Any, Any]:
    if not isinstance(names, Mapping) or not names:
        raise ValueError("at least one class is expected, such as {person: human}")
    for old, new in names.items():
        if not isinstance(new, str):
            raise ValueError(f"the new name of {old!r} is not a text")
        if not new.strip():
            raise ValueError(f"the new name of {old!r} is empty")
        if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in new):
            raise ValueError(f"the new name of {old!r} contains a control character")
    return dict(names)
