"""What detects: the same for every family of models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from headlab.detect.prediction import Prediction
from headlab.detect.settings import Settings
from headlab.detect.sources import Source
from headlab.heads.layout import Layout


class Detector(Protocol):
    """A network ready to detect.

    Attributes:
        settings: how it detects, nothing left open.
    """

    settings: Settings

    def __call__(self, sources: Sequence[Source]) -> Iterator[Prediction]:
        """Detect on sources in turn, one prediction for each image or frame.

        Images in memory come first, then image files, then videos, as `headlab.detect.sources.expand` lists
        them. A source that cannot be read yields nothing.
        """


class Runnable(Protocol):
    """A model that makes detectors, with its weights in memory; `headlab.families.network` has them.

    Attributes:
        layout: the head's description.
    """

    layout: Layout

    def detector(self, settings: Settings) -> Detector:
        """Make a detector.

        Raises:
            InputError: the device is not there, or the head does not have what a setting asks for.
        """
