"""Run a detector over sources: a prediction for each image and frame, and a word for what cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from headlab.boxes.photos.decoding import decoding_fault
from headlab.detect.detector import Detector
from headlab.detect.prediction import Prediction
from headlab.detect.sources import Source
from headlab.files.path_text import path_of


@dataclass(frozen=True)
class Step:
    """An image or frame, or a source that could not be read.

    Attributes:
        source: the image, or the video that it is a frame of.
        frame: the number of the video frame, from 0; None for an image.
        prediction: what the network made of it; None if it could not be read.
        reason: why it could not be read; empty if it could.
    """

    source: Source
    frame: int | None = None
    prediction: Prediction | None = None
    reason: str = ""


def steps(detector: Detector, sources: Sequence[Source]) -> Iterator[Step]:
    """Detect on sources one by one, in their order; memory stays that of one image."""
    yield from _stills(detector, [source for source in sources if not source.is_video])
    for video in (source for source in sources if source.is_video):
        yield from _video(detector, video)


def _stills(detector: Detector, stills: list[Source]) -> Iterator[Step]:
    waiting = list(reversed(stills))
    for prediction in detector(stills) if stills else ():
        while waiting and waiting[-1] is not prediction.source:
            yield _unreadable(waiting.pop())
        yield Step(waiting.pop(), prediction=prediction)
    while waiting:
        yield _unreadable(waiting.pop())


def _unreadable(source: Source) -> Step:
    reason = "" if source.path is None else decoding_fault(source.path)
    return Step(source, reason=reason or "not readable as an image")


def _video(detector: Detector, video: Source) -> Iterator[Step]:
    if video.path is None or not _opens(video.path):
        yield Step(video, reason="not readable as a video")
        return
    frame = None
    for number, prediction in enumerate(detector([video]), 1):
        frame = (
            number * detector.settings.vid_stride - 1
        )  # of each stride the loader takes the last
        yield Step(video, frame, prediction)
    if frame is None:
        yield Step(video, reason="a video without a readable frame")


def _opens(file: Path) -> bool:
    import cv2

    video = cv2.VideoCapture(path_of(str(file)))
    try:
        return bool(video.isOpened())
    finally:
        video.release()
