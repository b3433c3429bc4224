"""Run a detector over sources, and trace one image after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from headlab.detect.detector import Detector, detector
from headlab.detect.prediction import Prediction
from headlab.detect.settings import Settings
from headlab.detect.sources import is_video
from headlab.heads.layout import Layout
from headlab.trace.columns import detection_columns
from headlab.trace.image import Skipped, TracedImage


def trace_stream(
    network: Any, layout: Layout, files: Sequence[Path], settings: Settings
) -> Iterator[TracedImage | Skipped]:
    """Trace files one by one; memory stays that of one image.

    Args:
        network: what `headlab.families.network.runnable` returned.
        layout: the head's description.
        files: what `headlab.detect.sources.expand` found.
        settings: how to detect.

    Returns:
        an image or frame with its detections, or a file that could not be read, in the files' order.

    Raises:
        InputError: the device is not there, or the head does not have what a setting asks for.
    """
    return _traced_files(detector(network, layout, settings), layout, files)


def _traced_files(
    ready: Detector, layout: Layout, files: Sequence[Path]
) -> Iterator[TracedImage | Skipped]:
    yield from _traced_stills(ready, layout, [file for file in files if not is_video(file)])
    for video in (file for file in files if is_video(file)):
        yield from _traced_video(ready, layout, video)


def _traced_stills(
    ready: Detector, layout: Layout, files: list[Path]
) -> Iterator[TracedImage | Skipped]:
    waiting = list(reversed(files))
    for prediction in ready(files) if files else ():
        while waiting and waiting[-1].absolute() != prediction.path:
            yield Skipped(str(waiting.pop()), "not readable as an image")
        yield _traced(prediction, layout, ready.settings, str(waiting.pop()), None)
    while waiting:
        yield Skipped(str(waiting.pop()), "not readable as an image")


def _traced_video(ready: Detector, layout: Layout, file: Path) -> Iterator[TracedImage | Skipped]:
    if not _opens(file):
        yield Skipped(str(file), "not readable as a video")
        return
    frame = None
    for number, prediction in enumerate(ready([file]), 1):
        frame = number * ready.settings.vid_stride - 1  # of each stride the loader takes the last
        yield _traced(prediction, layout, ready.settings, str(file), frame)
    if frame is None:
        yield Skipped(str(file), "a video without a readable frame")


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
    height, width = prediction.image_bgr.shape[:2]
    return TracedImage(
        path,
        frame,
        (height, width),
        prediction.input_hw_px,
        layout,
        detection_columns(prediction, layout, settings),
        prediction.image_bgr,
    )


def image_count(files: Sequence[Path], vid_stride: int) -> int | None:
    """How many images and frames files hold; None if a video does not say."""
    counts = [_frames(file, vid_stride) if is_video(file) else 1 for file in files]
    return sum(counts) if all(counts) else None


def _frames(video: Path, vid_stride: int) -> int:
    """How many frames of a video are traced; 0 if it does not say how many there are."""
    from headlab.results.pictures.video import frame_count

    return frame_count(video) // vid_stride
