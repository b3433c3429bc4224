"""The layout: the frozen description of a head, which everything else reads.

Letters: A slots per cell, C classes, H W grid, N candidates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from headlab.errors import InputError, UnknownName
from headlab.heads.detection import DetectionRules
from headlab.plain_text import folded

if TYPE_CHECKING:
    from headlab.heads.addresses import AddressSpace

_LONGEST_NUMBER = 10
_USUAL = DetectionRules()
_PLACE = re.compile(r"\s*(?P<level>[^/]*)/\s*(?P<slot>\d{1,9})\s*")


class Place(NamedTuple):
    """One slot of one level; `level` is the index in the layout's levels."""

    level: int
    slot: int


@dataclass(frozen=True)
class ClassRows:
    """The rows of one convolution that produce a level's class logits.

    Row `first_row + slot * rows_per_slot + class` of `weight` (shape (rows, channels, 1, 1)) and of
    `bias` (shape (rows,)) belongs to that slot and class.

    Attributes:
        branch: "one2many" (scored by NMS) or "one2one" (end-to-end, without NMS).
        weight: the parameter's name.
        bias: the parameter's name.
        first_row: the row of slot 0, class 0.
        rows_per_slot: rows from one slot to the next; the number of classes where slots hold nothing
            else.
    """

    branch: str
    weight: str
    bias: str
    first_row: int
    rows_per_slot: int

    def row(self, class_id: int, slot: int = 0) -> int:
        """The row of one class of one slot."""
        return self.first_row + slot * self.rows_per_slot + class_id


@dataclass(frozen=True)
class Level:
    """One feature map that the head reads.

    Attributes:
        name: "P3" for stride 8, "P4" for 16, and so on: P + log2(stride).
        stride_px: input pixels per cell.
        slots: anchors per cell; 1 for anchor-free heads.
        class_rows: one per branch that the checkpoint still holds.
        anchors_wh_px: width and height of each slot's anchor in input pixels; empty for anchor-free heads.
    """

    name: str
    stride_px: int
    slots: int
    class_rows: tuple[ClassRows, ...]
    anchors_wh_px: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Layout:
    """The description of a head.

    Attributes:
        head: the head's name in its family, such as "Detect" or "v10Detect".
        task: "detect", "segment", "pose" or "obb".
        levels: finest first.
        class_names: by class number.
        end_to_end: the branch used by default is the one without NMS, because no other is left.
        rotated: boxes have an angle.
        detection: the detection settings that the head has, and their defaults.
    """

    head: str
    task: str
    levels: tuple[Level, ...]
    class_names: tuple[str, ...]
    end_to_end: bool
    rotated: bool
    detection: DetectionRules = _USUAL

    @property
    def level_names(self) -> tuple[str, ...]:
        """The levels' names, finest first."""
        return tuple(level.name for level in self.levels)

    @property
    def branches(self) -> tuple[str, ...]:
        """The branches whose class rows the checkpoint holds."""
        return tuple(rows.branch for rows in self.levels[0].class_rows)

    @property
    def strides_px(self) -> tuple[int, ...]:
        """The levels' strides in input pixels."""
        return tuple(level.stride_px for level in self.levels)

    @property
    def stride_by_level(self) -> dict[str, int]:
        """The stride in input pixels by level name."""
        return {level.name: level.stride_px for level in self.levels}

    def level_index(self, name: str) -> int:
        """Find a level by name, in any letter case.

        Raises:
            UnknownName: the head has no such level.
        """
        for index, level in enumerate(self.levels):
            if level.name.casefold() == name.strip().casefold():
                return index
        raise UnknownName("level", name, self.level_names)

    @cached_property
    def has_slots(self) -> bool:
        """Whether cells have several slots, so that a place is more than a level."""
        return any(level.slots > 1 for level in self.levels)

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Every slot of every level, finest level first."""
        return tuple(
            Place(at, slot) for at, level in enumerate(self.levels) for slot in range(level.slots)
        )

    def place_name(self, place: Place) -> str:
        """Such as "P5/2"; the level's name alone where cells have one slot."""
        level = self.levels[place.level]
        return f"{level.name}/{place.slot}" if self.has_slots else level.name

    def places_of(self, name: str) -> tuple[Place, ...]:
        """The places of a name: "P5" is all slots of the level, "P5/2" its slot 2.

        Raises:
            UnknownName: the head has no such level.
            InputError: the level has no such slot.
        """
        slotted = _PLACE.fullmatch(name)
        if slotted is None:
            at = self.level_index(name)
            return tuple(Place(at, slot) for slot in range(self.levels[at].slots))
        at, slot = self.level_index(slotted["level"]), int(slotted["slot"])
        level = self.levels[at]
        if slot >= level.slots:
            has = "one slot per cell, 0" if level.slots == 1 else f"slots 0 to {level.slots - 1}"
            meant = f" {slot} is its stride." if slot == level.stride_px else ""
            raise InputError(f"{level.name} has no slot {slot}.", f"It has {has}.{meant}")
        return (Place(at, slot),)

    def class_id(self, name: str | int) -> int:
        """Find a class by name or number. A name takes precedence over a number that is spelled the same.

        Raises:
            UnknownName: the model has no such class.
            InputError: several classes have that name.
        """
        if isinstance(name, str):
            exact = [at for at, known in enumerate(self.class_names) if known == name]
            alike = [
                at for at, known in enumerate(self.class_names) if folded(known) == folded(name)
            ]
            matches = exact or alike
            if len(matches) > 1:
                numbers = ", ".join(map(str, matches))
                raise InputError(
                    f"Several classes are named {name!r}.", f"Use a number: {numbers}."
                )
            if matches:
                return matches[0]
        text = str(name).strip()
        if text.isascii() and text.removeprefix("-").isdigit():
            if len(text) < _LONGEST_NUMBER and 0 <= int(text) < len(self.class_names):
                return int(text)
            raise InputError(
                f"There is no class number {text}.",
                f"The model has classes 0 to {len(self.class_names) - 1}.",
            )
        raise UnknownName("class", text, self.class_names)

    def addresses(self, height_px: int, width_px: int) -> AddressSpace:
        """The addresses at an input size.

        Raises:
            InputError: the size is not a multiple of the largest stride.
        """
        from headlab.heads.addresses import AddressSpace

        return AddressSpace.of(
            (height_px, width_px),
            self.strides_px,
            tuple(level.slots for level in self.levels),
            self.level_names,
        )
