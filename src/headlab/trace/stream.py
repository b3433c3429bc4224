"""Run a detector over sources, and trace one image after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from headlab.detect.detector import Runnable
from headlab.detect.prediction import Prediction
from headlab.detect.settings import Settings
from headlab.detect.sources import Source
from headlab.detect.steps import Step, steps
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
    ready = network.detector(settings)
    return (_traced_step(step, layout, ready.settings) for step in steps(ready, sources))


def _traced_step(step: Step, layout: Layout, settings: Settings) -> TracedImage | Skipped:
    if step.prediction is None:
        return Skipped(step.source.name, step.reason)
    return _traced(step.prediction, layout, settings, step.source, step.frame)


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
