"""Give classes new names."""

from __future__ import annotations

import unicodedata
from typing import Literal

from pydantic import field_validator

from headlab.edit.operations.base import ClassReference, Operation, class_ids, listed
from headlab.heads.layout import Layout


class Rename(Operation):
    """Names change, rows stay.

    Attributes:
        names: class -> its new name.
    """

    op: Literal["rename"] = "rename"
    names: dict[ClassReference, str]

    @field_validator("names")
    @classmethod
    def _readable(cls, names: dict[int | str, str]) -> dict[int | str, str]:
        if not names:
            raise ValueError("at least one class is expected, such as {person: human}")
        for old, new in names.items():
            if not new.strip():
                raise ValueError(f"the new name of {old!r} is empty")
            if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in new):
                raise ValueError(f"the new name of {old!r} holds a control character")
        return names

    def new_names(self, layout: Layout) -> dict[int, str]:
        """Class number -> new name.

        Raises:
            InputError: a class is unknown or named twice.
        """
        chosen = class_ids(self.op, layout, self.names)
        return dict(zip(chosen, self.names.values(), strict=True))

    def words(self) -> str:
        """Such as "rename cat to feline"."""
        return "rename " + listed(f"{old} to {new}" for old, new in self.names.items())
