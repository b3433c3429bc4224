"""The traced detections of a run: each one of a network's detections with its address and its support."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headlab.detect.detector import Runnable
from headlab.detect.settings import Settings
from headlab.detect.sources import Expanded, Source, Sources, expand
from headlab.errors import SourceError
from headlab.heads.layout import Layout, Level
from headlab.plain_text import counted
from headlab.results.progress import Progress, with_progress
from headlab.results.result import Result
from headlab.trace.image import Skipped, TracedImage
from headlab.trace.stream import image_count, trace_stream

if TYPE_CHECKING:
    import polars as pl
    from PIL import Image
    from rich.console import RenderableType

_NAMED = 5
"""An error names no more skipped sources than this."""


@dataclass(frozen=True, repr=False, eq=False)
class Trace(Result):
    """The traced detections of a run; also a sequence of its images, each a `TracedImage`.

    Attributes:
        layout: the head's description.
        settings: how the detections were made, nothing left open that depends on the head.
        detections: one row per detection: `image`, `frame` (null for images), `detection` (its place in
            the order of the detector, which is that of `YOLO.predict`), `class_id`, `class_name`,
            `score`, the box `x1 y1 x2 y2` and the cell `cell_x1 …` in pixels of the original image,
            `angle_rad obb_w obb_h` (OBB only: the box is then the upright one around it, and these are the
            angle, width and height of the box itself, in pixels of the original image), the address `level
            row col slot` with `stride_px` and `flat_index`, the slot's anchor `anchor_w anchor_h` (null for
            anchor-free heads) and the box's own size `input_w input_h` in pixels of the network's
            input, and for each level, such as P3, the support: `merged_P3`, `best_P3`, `alone_P3`,
            `without_P3` (see `headlab.trace.support.Support`); where cells have several slots the same
            for each slot of each level, such as `merged_P5_2`.
        images: one row per image or frame: `image`, `frame`, `width_px`, `height_px`,
            `input_width_px`, `input_height_px`, `detections`.
        skipped: the sources that could not be read.
        model: the model's file.
        pixels: those of the images that were given as arrays, by the image's number.
    """

    layout: Layout
    settings: Settings
    detections: pl.DataFrame
    images: pl.DataFrame
    skipped: tuple[Skipped, ...] = ()
    model: str = ""
    pixels: Mapping[int, NDArray[np.uint8]] = field(default_factory=dict)

    title: ClassVar[str] = "traced detections"
    plot_suffixes: ClassVar[tuple[str, ...]] = (".png",)

    @property
    def table(self) -> pl.DataFrame:
        """The detections."""
        return self.detections

    @property
    def summary(self) -> str:
        """How many images and detections there are."""
        return f"{counted(len(self), 'image')}, {counted(self.detections.height, 'detection')}"

    def __len__(self) -> int:
        """The number of images."""
        return self.images.height

    def __iter__(self) -> Iterator[TracedImage]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, number: int) -> TracedImage:
        """An image by its number; those from the end are negative."""
        at = range(len(self))[number]
        row = self.images.row(at, named=True)
        return TracedImage(
            row["image"],
            row["frame"],
            (row["height_px"], row["width_px"]),
            (row["input_height_px"], row["input_width_px"]),
            self.layout,
            self.detections.slice(self._starts[at], row["detections"]),
            self.pixels.get(at),
            in_memory=at in self.pixels,
            resize=self.settings.resize or "letterbox",
        )

    @cached_property
    def _starts(self) -> list[int]:
        """Where each image's detections begin."""
        return list(accumulate(self.images["detections"], initial=0))

    def plot(self) -> Image.Image:
        """The image with its detections; of several images the first ones, side by side and smaller.

        For a picture of one of them in full size: `trace[0].plot()`.

        Raises:
            SourceError: an image has to be read again, and cannot be.
        """
        from headlab.trace.sheet import MOST_PICTURES, sheet

        if len(self) == 1:
            return self[0].plot()
        shown = [self[at] for at in range(min(len(self), MOST_PICTURES))]
        return sheet([(Path(image.name).name, image.plot()) for image in shown])

    def to_dict(self) -> dict[str, Any]:
        """Everything as one JSON document; docs/tracing.md describes its keys."""
        return {
            "model": self.model,
            "head": self.layout.head,
            "task": self.layout.task,
            "levels": [_level(level) for level in self.layout.levels],
            "settings": asdict(self.settings),
            "images": self.images.to_dicts(),
            "detections": self.detections.to_dicts(),
            "skipped": [asdict(source) for source in self.skipped],
        }

    def text(self) -> Iterable[RenderableType]:
        """The detections, then how many each level made."""
        from headlab.trace.text import trace_text

        return trace_text(self)

    def html(self) -> str:
        """The detections, the first ones of many."""
        from headlab.trace.html import trace_html

        return trace_html(self)


def _level(level: Level) -> dict[str, Any]:
    anchors = [list(anchor) for anchor in level.anchors_wh_px]
    return {
        "name": level.name,
        "stride_px": level.stride_px,
        "slots": level.slots,
        **({"anchors_wh_px": anchors} if anchors else {}),
    }


class TraceStream(Iterator[TracedImage]):
    """Traced images one by one, as `Model.trace(…, stream=True)` gives them.

    Memory stays that of one image, if the images are not kept. Sources that cannot be read are left out, and
    are listed in `skipped`.

    Args:
        network: what `headlab.families.network.runnable` returned.
        layout: the head's description.
        sources: what `headlab.detect.sources.expand` found.
        settings: how to detect.
        model: the model's file.
        progress: called after each image.

    Attributes:
        layout: the head's description.
        settings: how it detects, nothing left open that depends on the head.
        model: the model's file.
        sources: the images and videos, in their order.
        paths: the files among them.
        remarks: what was assumed about what the user named, in sentences.
        skipped: the sources that could not be read so far.
        steps: the same iteration, with the sources that cannot be read where they come.

    Raises:
        InputError: the device is not there, or the head does not have what a setting asks for.
    """

    def __init__(
        self,
        network: Runnable,
        layout: Layout,
        sources: Sequence[Source],
        settings: Settings,
        *,
        model: str = "",
        progress: Progress | None = None,
    ) -> None:
        self.layout = layout
        self.settings = settings.for_head(layout)
        self.model = model
        self.sources = sources
        self.remarks = sources.remarks if isinstance(sources, Expanded) else ()
        self.paths = [source.path for source in sources if source.path is not None]
        self.skipped: list[Skipped] = []
        self.steps = with_progress(
            trace_stream(network, layout, sources, self.settings),
            progress,
            lambda: image_count(sources, self.settings.vid_stride),
        )

    def __next__(self) -> TracedImage:
        for step in self.steps:
            if isinstance(step, TracedImage):
                return step
            self.skipped.append(step)
        raise StopIteration

    def collect(self, on_image: Callable[[TracedImage], object] | None = None) -> Trace:
        """All images that are still to come, as one result; their pixels are not kept.

        Args:
            on_image: called with each image before its pixels are dropped, to show it or to save it.

        Raises:
            SourceError: none of the sources could be read.
        """
        images = []
        for image in self:
            if on_image is not None:
                on_image(image)
            images.append(image.without_pixels())
        return collected(self, images, self.skipped)


def collected(
    stream: TraceStream, images: Sequence[TracedImage], skipped: Sequence[Skipped]
) -> Trace:
    """Images as they came from a stream, as one result.

    Raises:
        SourceError: there is none.
    """
    from headlab.trace.tables import detection_table, image_table

    if not images:
        raise SourceError(
            "None of the sources could be read: "
            + "; ".join(f"{source.path}: {source.reason}" for source in skipped[:_NAMED])
            + ("; …" if len(skipped) > _NAMED else "."),
            "Open them in an image viewer to see whether they are damaged.",
        )
    return Trace(
        stream.layout,
        stream.settings,
        detection_table(images),
        image_table(images),
        tuple(skipped),
        stream.model,
        {at: image.pixels for at, image in enumerate(images) if image.pixels is not None},
    )


def trace(
    network: Runnable,
    layout: Layout,
    sources: Sources,
    settings: Settings | None = None,
) -> Trace:
    """Trace every detection of a network; `Model.trace` does it for a model.

    Args: as of `TraceStream`; the sources are images, folders, patterns or videos.

    Raises:
        InputError: the device is not there, or the head does not have what a setting asks for.
        SourceError: there is no image or video that can be read.
    """
    return TraceStream(network, layout, expand(sources), settings or Settings()).collect()
