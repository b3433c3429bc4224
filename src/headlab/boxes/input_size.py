"""The network's input: its size, and how photos and their boxes are brought to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from headlab.errors import InputError, UnknownName
from headlab.heads.detection import RESIZES, Resize
from headlab.heads.input_pixels import plain_size

Units = Literal["input", "original"]
UNITS: tuple[str, ...] = get_args(Units)

DEFAULT_PX = 416
"""The side of YOLOv3's input, as in the paper and in keras-yolo3."""


@dataclass(frozen=True)
class InputSize:
    """The size of the network's input, and how photos and their boxes are brought to it.

    Attributes:
        imgsz: a side, or (height, width), in pixels. None takes what a file of anchors says, where there is
            one that says it, else 416.
        resize: "letterbox" scales both sides by one factor and pads; "stretch" scales each side by its own.
            None takes what a .cfg of anchors says (`letter_box`), else "letterbox".
        units: "input", or "original" to leave boxes in pixels of the photos, as keras-yolo3's kmeans.py
            does.
        assume_size: (height, width) in pixels of photos whose size is unknown.

    Raises:
        InputError: a size is not above 0.
        UnknownName: there is no such way to resize, or no such unit.
    """

    imgsz: int | tuple[int, int] | None = None
    resize: Resize | None = None
    units: Units = "input"
    assume_size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        for kind, value, known in (
            ("way to resize", self.resize, RESIZES),
            ("unit", self.units, UNITS),
        ):
            if value is not None and value not in known:
                raise UnknownName(kind, str(value), known)
        object.__setattr__(self, "imgsz", plain_size(self.imgsz, "imgsz"))
        object.__setattr__(self, "assume_size", plain_size(self.assume_size, "assume_size"))
        check_area(self.hw_px, "An input")
        if self.assume_size is not None:
            check_area(self.assume_size, "A photo")

    @classmethod
    def of(cls, imgsz: ImageSize) -> InputSize:
        """The value itself, or one with this size and everything else as usual."""
        return imgsz if isinstance(imgsz, InputSize) else cls(imgsz)

    @property
    def hw_px(self) -> tuple[int, int]:
        """Height and width of the input in pixels."""
        if self.imgsz is None:
            return DEFAULT_PX, DEFAULT_PX
        if isinstance(self.imgsz, int):
            return self.imgsz, self.imgsz
        height, width = self.imgsz
        return height, width

    @property
    def resize_used(self) -> Resize:
        """How photos are brought to the input."""
        return self.resize or "letterbox"

    def or_of(self, imgsz: tuple[int, int] | None, resize: Resize | None = None) -> InputSize:
        """With this size (height, width) and this way to resize, where none was chosen."""
        return InputSize(
            imgsz if self.imgsz is None else self.imgsz,
            self.resize or resize,
            self.units,
            self.assume_size,
        )


ImageSize: TypeAlias = int | tuple[int, int] | InputSize | None
"""What every `imgsz=` of `headlab.boxes` and `headlab.anchors` takes: see `InputSize`."""


def check_area(size_hw: tuple[int, int], what: str) -> None:
    """Refuse a size that is not above 0.

    Args:
        size_hw: height and width in pixels.
        what: has this size, for the message.

    Raises:
        InputError: a side is not above 0.
    """
    if min(size_hw) < 1:
        raise InputError(
            f"{what} of {size_text(size_hw)} has no area.", "Give sizes above 0, in pixels."
        )


def size_text(size_hw: tuple[int, int]) -> str:
    """A size as "320 x 608 px (height x width)"."""
    return f"{size_hw[0]} x {size_hw[1]} px (height x width)"
