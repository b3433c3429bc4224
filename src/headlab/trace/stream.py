"""Run a detector over sources, and trace one image after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from headlab.boxes.photos.decoding import decoding_fault
from headlab.detect.detector import Detector, Runnable
from headlab.detect.prediction import Prediction
from headlab.detect.settings import Settings
from headlab.detect.sources import Source
from headlab.heads.layout import Layout
from headlab.trace.columns import detection_columns
from headlab.trace.image import Skipped, TracedImage


def trace_stream(
    network: Runnable, layout: Layout, sources: Sequence[Source], settings: Settings
) -> Iterator[TracedImage | Skipped]:
    """Trace sources one by one; memory stays that of one image.

    Args:
        network: what `headlab.families.network.runnable` returned.
        layout: the head's description.
        sources: what `headlab.detect.sources.expand` found.
        settings: how to detect.

    Returns:
        an image or frame with its detections, or a source that could not be read, in the sources' order.

    Raises:
        InputError: the device is not there, or the head does not have what a setting asks for.
    """
    return _traced_sources(network.detector(settings), layout, sources)


def _traced_sources(
    ready: Detector, layout: Layout, sources: Sequence[Source]
) -> Iterator[TracedImage | Skipped]:
    yield from _traced_stills(ready, layout, [each for each in sources if not each.is_video])
    for video in (source for source in sources if source.is_video):
        yield from _traced_video(ready, layout, video)


def _traced_stills(
    ready: Detector, layout: Layout, stills: list[Source]
) -> Iterator[TracedImage | Skipped]:
    waiting = list(reversed(stills))
    for prediction in ready(stills) if stills else ():
        while waiting and waiting[-1] is not prediction.source:
            yield _unreadable(waiting.pop())
        yield _traced(prediction, layout, ready.settings, waiting.pop(), None)
    while waiting:
        yield _unreadable(waiting.pop())


def _unreadable(source: Source) -> Skipped:
    reason = "" if source.path is None else decoding_fault(source.path)
    return Skipped(source.name, reason or "not readable as an image")


def _traced_video(
    ready: Detector, layout: Layout, video: Source
) -> Iterator[TracedImage | Skipped]:
    if video.path is None or not _opens(video.path):
        yield Skipped(video.name, "not readable as a video")
        return
    frame = None
    for number, prediction in enumerate(ready([video]), 1):
        frame = number * ready.settings.vid_stride - 1  # of each stride the loader takes the last
        yield _traced(prediction, layout, ready.settings, video, frame)
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
    prediction: Prediction, layout: Layout, settings: Settings, source: Source, frame: int | None
) -> TracedImage:
    height, width = prediction.image_bgr.shape[:2]
    return TracedImage(
        source.name,
        frame,
        (height, width),
        prediction.input_hw_px,
        layout,
        detection_columns(prediction, layout, settings),
        prediction.image_bgr,
        in_memory=source.path is None,
        resize=settings.resize or "letterbox",
    )


def image_count(sources: Sequence[Source], vid_stride: int) -> int | None:
    """How many images and frames sources hold; None if a video does not say."""
    counts = [
        _frames(source.path, vid_stride) if source.is_video and source.path else 1
        for source in sources
    ]
    return sum(counts) if all(counts) else None


def _frames(video: Path, vid_stride: int) -> int:
    """How many frames of a video are traced; 0 if it does not say how many there are."""
    from headlab.results.pictures.video import frame_count

    return frame_count(video) // vid_stride
