"""Run a network of any family on files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from headlab.detect.prediction import Prediction
from headlab.detect.settings import Settings
from headlab.heads.layout import Layout


class Detector(Protocol):
    """A network ready to detect.

    Attributes:
        settings: how it detects, nothing left open.
    """

    settings: Settings

    def __call__(self, files: list[Path]) -> Iterator[Prediction]:
        """Detect on files in turn; a file that cannot be read yields nothing."""


def detector(network: Any, layout: Layout, settings: Settings) -> Detector:
    """Make a network ready.

    Args:
        network: what `headlab.families.network.runnable` returned.
        layout: the head's description.
        settings: how to detect.

    Raises:
        InputError: the device is not there, or the head does not have what a setting asks for.
    """
    decided = settings.for_head(layout)
    if layout.has_anchors:
        from headlab.families.yolov3.detector import Yolov3Detector

        return Yolov3Detector(network, layout, decided)
    from headlab.families.ultralytics.detector import UltralyticsDetector

    return UltralyticsDetector(network, decided)
