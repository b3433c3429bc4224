"""A model's description as JSON, as in headlab's own files and in the Keras files that it writes."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from headlab.checkpoint.yolov3.architecture import LEVELS
from headlab.checkpoint.yolov3.description import LARGEST_INPUT_PX, Anchor, Description
from headlab.errors import CheckpointError, InputError
from headlab.files.json_text import parse_json

_VERSION = 1
_KEYS = (
    "version",
    "network",
    "anchors_wh_px",
    "masks",
    "class_names",
    "input_hw_px",
    "batch_norm_epsilon",
    "darknet_version",
    "seen",
)

_MOST_CLASSES = 100_000
_MOST_ANCHORS = 1000
_LONGEST_NAME = 1000
_LARGEST_ANCHOR_PX = 1e6
_INPUT_STEP_PX = 32
_SEEN_BELOW = 2**64
_VERSION_BELOW = 2**31


def to_json(description: Description) -> dict[str, Any]:
    """Plain values that JSON keeps exactly."""
    letter_box = {} if description.letter_box is None else {"letter_box": description.letter_box}
    return {
        "version": _VERSION,
        "network": description.variant,
        "anchors_wh_px": [list(anchor) for anchor in description.anchors_wh_px],
        "masks": [list(mask) for mask in description.masks],
        "class_names": list(description.class_names),
        "input_hw_px": list(description.input_hw_px),
        "batch_norm_epsilon": description.batch_norm_epsilon,
        "darknet_version": list(description.darknet_version),
        "seen": description.seen,
        **letter_box,
    }


def to_text(description: Description) -> str:
    """The JSON as text: ASCII, the same for the same description."""
    return json.dumps(to_json(description), separators=(",", ":"))


def from_text(text: str | bytes, where: str) -> Description:
    """Read the JSON from text; see `from_json`.

    Raises:
        CheckpointError: it is not JSON, or not a description.
    """
    try:
        data = parse_json(text, where)
    except InputError as error:
        raise CheckpointError(f"{where}: headlab's description is not JSON.", _HINT) from error
    return from_json(data, where)


def from_json(data: object, where: str) -> Description:
    """Read a description from plain values.

    Args:
        data: as `to_json` makes it.
        where: the file, for messages.

    Raises:
        CheckpointError: a value is missing, of another type, or out of range.
    """
    return _Reader(data, where).description()


class _Reader:
    """The values by key; every reader names the key in its error."""

    def __init__(self, data: object, where: str) -> None:
        self.where = where
        self.key = "headlab's description"
        if not isinstance(data, dict):
            raise self.error("an object", data)
        self.data = data
        if data.get("version") != _VERSION:
            raise CheckpointError(
                f"{where}: headlab's description has version {_shown(data.get('version'))}; "
                f"this headlab reads version {_VERSION}.",
                "Update headlab.",
            )
        for key in _KEYS:
            if key not in data:
                raise CheckpointError(f"{where}: headlab's description lacks {key!r}.", _HINT)

    def description(self) -> Description:
        network = self.value("network")
        if not isinstance(network, str) or network not in LEVELS:
            raise self.error(f"one of {', '.join(LEVELS)}", network)
        anchors = self.anchors()
        version = self.whole_numbers(self.value("darknet_version"), 0, _VERSION_BELOW, 3, 3)
        height, width = self.input_hw_px()
        return Description(
            network,
            anchors,
            self.masks(len(LEVELS[network]), len(anchors)),
            self.class_names(),
            (height, width),
            self.epsilon(),
            (version[0], version[1], version[2]),
            self.whole_numbers([self.value("seen")], 0, _SEEN_BELOW, 1, 1)[0],
            self.letter_box(),
        )

    def value(self, key: str) -> object:
        self.key = key
        return self.data[key]

    def error(self, wanted: str, found: object) -> CheckpointError:
        return CheckpointError(
            f"{self.where}: {self.key} is {_shown(found)}; {wanted} was expected.", _HINT
        )

    def many(self, found: object, least: int, most: int) -> Sequence[object]:
        if not isinstance(found, list) or not least <= len(found) <= most:
            count = f"{least}" if least == most else f"{least} to {most}"
            raise self.error(f"a list of {count}", found)
        return found

    def whole_numbers(
        self, found: object, low: int, below: int, least: int, most: int
    ) -> tuple[int, ...]:
        numbers = []
        for number in self.many(found, least, most):
            if type(number) is not int or not low <= number < below:
                raise self.error(f"a whole number from {low} to {below - 1}", number)
            numbers.append(number)
        return tuple(numbers)

    def number(self, found: object, most: float) -> float:
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise self.error("a number", found)
        if not (0 < found <= most and math.isfinite(found)):
            raise self.error(f"a number above 0 and up to {most:g}", found)
        return found

    def anchors(self) -> tuple[Anchor, ...]:
        anchors = []
        for pair in self.many(self.value("anchors_wh_px"), 1, _MOST_ANCHORS):
            width, height = self.many(pair, 2, 2)
            anchors.append(
                (self.number(width, _LARGEST_ANCHOR_PX), self.number(height, _LARGEST_ANCHOR_PX))
            )
        return tuple(anchors)

    def masks(self, levels: int, anchors: int) -> tuple[tuple[int, ...], ...]:
        masks = self.many(self.value("masks"), levels, levels)
        return tuple(self.whole_numbers(mask, 0, anchors, 1, _MOST_ANCHORS) for mask in masks)

    def class_names(self) -> tuple[str, ...]:
        names = []
        for name in self.many(self.value("class_names"), 1, _MOST_CLASSES):
            if not isinstance(name, str) or len(name) > _LONGEST_NAME or not _is_text(name):
                raise self.error(f"text of up to {_LONGEST_NAME} characters", name)
            names.append(name)
        return tuple(names)

    def input_hw_px(self) -> tuple[int, int]:
        found = self.value("input_hw_px")
        height, width = self.whole_numbers(found, _INPUT_STEP_PX, LARGEST_INPUT_PX + 1, 2, 2)
        if height % _INPUT_STEP_PX or width % _INPUT_STEP_PX:
            raise self.error(f"a multiple of {_INPUT_STEP_PX}", found)
        return height, width

    def letter_box(self) -> bool | None:
        """The one key that may be absent."""
        self.key = "letter_box"
        found = self.data.get("letter_box")
        if found is not None and not isinstance(found, bool):
            raise self.error("true or false", found)
        return found

    def epsilon(self) -> float:
        return float(self.number(self.value("batch_norm_epsilon"), 1.0))


_HINT = "Convert the model again from its source."


def _is_text(name: str) -> bool:
    """Whether it can be written to a file: half of a surrogate pair, which JSON can hold, cannot."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _shown(value: object) -> str:
    """The start of a value, for a message."""
    if isinstance(value, int) and abs(value) > _SEEN_BELOW:
        return "a huge number"
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
