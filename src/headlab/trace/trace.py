"""Trace detections: each one of a network's detections with its address and its support."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headlab.detect.detector import Detector, Runnable
from headlab.detect.prediction import Prediction
from headlab.detect.settings import Settings
from headlab.detect.sources import Source, Sources, expand
from headlab.errors import SourceError
from headlab.heads.layout import Layout
from headlab.trace.columns import detection_columns

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class TracedImage:
    """One image or video frame with its detections.

    Attributes:
        path: the file, as the user named it.
        frame: the number of the video frame, from 0; None for an image.
        image_bgr: uint8, shape (H, W, 3).
        input_hw_px: the network's input size for this image.
        columns: the detections' columns, each of length M (see `Trace`).
    """

    path: str
    frame: int | None
    image_bgr: NDArray[np.uint8]
    input_hw_px: tuple[int, int]
    columns: dict[str, Any]

    @cached_property
    def detections(self) -> pl.DataFrame:
        """The detections as a table, in the detector's order."""
        return _table([self])


@dataclass(frozen=True)
class Skipped:
    """A source that could not be read, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Trace:
    """The traced detections of a run.

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
    """

    layout: Layout
    settings: Settings
    detections: pl.DataFrame
    images: pl.DataFrame
    skipped: tuple[Skipped, ...]


def trace(
    network: Runnable,
    layout: Layout,
    sources: Sources,
    settings: Settings | None = None,
) -> Trace:
    """Trace every detection on images, folders, globs or videos.

    Args:
        network: what `headlab.families.network.runnable` returned.
        layout: the head's description.
        sources: what to detect on.
        settings: how to detect; the defaults are those of `YOLO.predict`.

    Raises:
        InputError: the device is not there, or the head does not have what a setting asks for.
        SourceError: there is no image or video that can be read.
    """
    chosen = (settings or Settings()).for_head(layout)
    images: list[TracedImage] = []
    skipped: list[Skipped] = []
    for each in trace_stream(network, layout, expand(sources), chosen):
        if isinstance(each, Skipped):
            skipped.append(each)
        else:
            images.append(without_pixels(each))
    return collect(layout, chosen, images, skipped)


def collect(
    layout: Layout, settings: Settings, images: list[TracedImage], skipped: list[Skipped]
) -> Trace:
    """Put the images of a stream together.

    Raises:
        SourceError: no image could be read.
    """
    if not images:
        raise SourceError(
            "None of the sources could be read: "
            + "; ".join(f"{each.path}: {each.reason}" for each in skipped[:5])
            + ("; …" if len(skipped) > 5 else "."),
            "Open them in an image viewer to see whether they are damaged.",
        )
    return Trace(
        layout, settings.for_head(layout), _table(images), _image_table(images), tuple(skipped)
    )


def trace_stream(
    network: Runnable, layout: Layout, sources: Sequence[Source], settings: Settings
) -> Iterator[TracedImage | Skipped]:
    """Trace sources one by one; memory stays that of one image.

    Args:
        network: what `headlab.families.network.runnable` returned.
        layout: the head's description.
        sources: what `headlab.detect.sources.expand` found.
        settings: how to detect.

    Yields:
        an image or frame with its detections, or a source that could not be read, in the sources' order.
    """
    ready = network.detector(settings)
    stills = [source for source in sources if not source.is_video]
    yield from _traced_stills(ready, layout, stills)
    for video in (source for source in sources if source.is_video):
        yield from _traced_video(ready, layout, video)


def _traced_stills(
    ready: Detector, layout: Layout, stills: list[Source]
) -> Iterator[TracedImage | Skipped]:
    waiting = list(reversed(stills))
    for prediction in ready(stills):
        while waiting and waiting[-1] is not prediction.source:
            yield Skipped(waiting.pop().name, "not readable as an image")
        yield _traced(prediction, layout, ready.settings, waiting.pop().name, None)
    while waiting:
        yield Skipped(waiting.pop().name, "not readable as an image")


def _traced_video(
    ready: Detector, layout: Layout, video: Source
) -> Iterator[TracedImage | Skipped]:
    if video.path is None or not _opens(video.path):
        yield Skipped(video.name, "not readable as a video")
        return
    frame = None
    for number, prediction in enumerate(ready([video])):
        frame = number * ready.settings.vid_stride
        yield _traced(prediction, layout, ready.settings, video.name, frame)
    if frame is None:
        yield Skipped(video.name, "a video without a readable frame")


def _opens(file: Path) -> bool:
    import cv2

    video = cv2.VideoCapture(str(file))
    try:
        return bool(video.isOpened())
    finally:
        video.release()


def _traced(
    prediction: Prediction, layout: Layout, settings: Settings, path: str, frame: int | None
) -> TracedImage:
    return TracedImage(
        path,
        frame,
        prediction.image_bgr,
        prediction.input_hw_px,
        detection_columns(prediction, layout, settings),
    )


def without_pixels(image: TracedImage) -> TracedImage:
    """The same, with only the image's size kept: a long run must not hold every photo."""
    blank = np.broadcast_to(np.zeros(1, np.uint8), image.image_bgr.shape)
    return TracedImage(image.path, image.frame, blank, image.input_hw_px, image.columns)


def _table(images: list[TracedImage]) -> pl.DataFrame:
    import polars as pl

    counts = [len(image.columns["flat_index"]) for image in images]
    ordered = {name: pl.Series(name, _joined(images, name)) for name in images[0].columns}
    table = pl.DataFrame(
        {
            "image": pl.Series(
                np.repeat([image.path for image in images], counts), dtype=pl.String
            ),
            "frame": pl.Series(
                [image.frame for image, n in zip(images, counts, strict=True) for _ in range(n)],
                dtype=pl.Int64,
            ),
            "detection": pl.Series([at for n in counts for at in range(n)], dtype=pl.Int64),
            **ordered,
        }
    )
    text = [name for name in ("class_name", "level") if name in ordered]
    return table.with_columns(pl.col(text).cast(pl.String), pl.col(pl.Float64).fill_nan(None))


def _joined(images: list[TracedImage], name: str) -> Any:
    parts = [image.columns[name] for image in images]
    if isinstance(parts[0], list):
        return [each for part in parts for each in part]
    return np.concatenate(parts)


def _image_table(images: list[TracedImage]) -> pl.DataFrame:
    import polars as pl

    rows = [
        {
            "image": image.path,
            "frame": image.frame,
            "width_px": image.image_bgr.shape[1],
            "height_px": image.image_bgr.shape[0],
            "input_width_px": image.input_hw_px[1],
            "input_height_px": image.input_hw_px[0],
            "detections": len(image.columns["flat_index"]),
        }
        for image in images
    ]
    sizes = ("width_px", "height_px", "input_width_px", "input_height_px", "detections")
    schema = {"image": pl.String, "frame": pl.Int64, **dict.fromkeys(sizes, pl.Int64)}
    return pl.DataFrame(rows, schema=schema)
