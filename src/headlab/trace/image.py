"""One image or video frame with its detections, and a source that could not be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headlab.detect.photos import read_bgr
from headlab.errors import SourceError
from headlab.files.path_text import path_of
from headlab.heads.detection import Resize
from headlab.heads.layout import Layout
from headlab.plain_text import counted
from headlab.results.result import Result
from headlab.trace.row_words import frame_behind

if TYPE_CHECKING:
    import polars as pl
    from PIL import Image
    from rich.console import RenderableType

    from headlab.results.pictures.picture import Picture


@dataclass(frozen=True)
class Skipped:
    """A source that could not be read, and why."""

    path: str
    reason: str


@dataclass(frozen=True, repr=False, eq=False)
class TracedImage(Result):
    """One image or video frame with its detections.

    Attributes:
        path: the file, as the user named it; an image given as an array has a name instead.
        frame: the number of the video frame, from 0; None for an image.
        size_hw_px: the image's height and width.
        input_hw_px: the height and width of the network's input for it.
        layout: the head's description.
        rows: the detections, as a table or as its columns apart from the first three.
        pixels: uint8, shape (H, W, 3), blue first; None where they are to be read from the file.
        in_memory: the image was given as an array or a PIL image, so that there is no file.
        resize: how the image was brought to the input.
    """

    path: str
    frame: int | None
    size_hw_px: tuple[int, int]
    input_hw_px: tuple[int, int]
    layout: Layout
    rows: pl.DataFrame | Mapping[str, Any]
    pixels: NDArray[np.uint8] | None = None
    in_memory: bool = False
    resize: Resize = "letterbox"

    title: ClassVar[str] = "traced image"
    plot_suffixes: ClassVar[tuple[str, ...]] = (".png",)

    @cached_property
    def detections(self) -> pl.DataFrame:
        """The detections in the detector's order; the columns are those of `Trace.detections`."""
        if not isinstance(self.rows, Mapping):
            return self.rows
        from headlab.trace.tables import detection_table

        return detection_table([self])

    @property
    def table(self) -> pl.DataFrame:
        """The detections."""
        return self.detections

    def __len__(self) -> int:
        """The number of detections."""
        return self.detections.height

    @property
    def name(self) -> str:
        """The path, with the number of a video's frame."""
        return f"{self.path}{frame_behind(self.frame)}"

    @property
    def summary(self) -> str:
        """How many detections there are."""
        return f"{self.name}, {counted(len(self), 'detection')}"

    @property
    def image_bgr(self) -> NDArray[np.uint8]:
        """The pixels: uint8, shape (H, W, 3), blue first. Unless they are in memory, the file is read again.

        Raises:
            SourceError: the file is gone, or holds another image now.
        """
        if self.pixels is not None:
            return self.pixels
        pixels = read_bgr(self.path) if self.frame is None else read_frame(self.path, self.frame)
        if pixels.shape[:2] != self.size_hw_px:
            raise SourceError(
                f"{self.path}: the image is of another size now.", "Trace it again to draw it."
            )
        return pixels

    def without_pixels(self) -> TracedImage:
        """The same, without the pixels if they can be read from the file again."""
        return self if self.in_memory else replace(self, pixels=None)

    def draw(self) -> Picture:
        """The image with its detections, and notes on what could not be drawn.

        Raises:
            SourceError: the image has to be read again, and cannot be.
        """
        from headlab.trace.picture import draw

        strides = self.layout.stride_by_level
        return draw(
            self.image_bgr,
            self.detections,
            strides,
            self.input_hw_px,
            constant_size=self.frame is not None,
        )

    def plot(self) -> Image.Image:
        """The image with its detections: each in the colour of its level, with its cell and its address.

        Raises:
            SourceError: the image has to be read again, and cannot be.
        """
        return self.draw().image

    def to_dict(self) -> dict[str, Any]:
        """The image's sizes, and its detections."""
        from headlab.trace.tables import image_row

        return {**image_row(self), "detections": self.detections.to_dicts()}

    def text(self) -> Iterable[RenderableType]:
        """See `Result.text`."""
        from headlab.trace.text import image_text

        return image_text(self)

    def html(self) -> str:
        """The detections, the first ones of many."""
        from headlab.trace.html import detections_html

        return detections_html(self.detections, self.layout.level_names, self.summary)


def read_frame(path: str | Path, number: int) -> NDArray[np.uint8]:
    """A frame of a video. All frames before it are read as well: not every video can be searched exactly.

    Args:
        path: the video.
        number: the frame's number, from 0.

    Returns:
        the pixels, uint8, shape (H, W, 3), blue first.

    Raises:
        SourceError: it cannot be read.
    """
    import cv2

    video = cv2.VideoCapture(path_of(str(path)))
    try:
        reached = all(video.grab() for _ in range(number + 1))
        done, pixels = video.retrieve() if reached else (False, None)
    finally:
        video.release()
    if not done or pixels is None:
        raise SourceError(f"{path}: frame {number} is not readable.", "Is the file still the same?")
    return np.asarray(pixels, np.uint8)
