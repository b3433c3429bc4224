"""The family of YOLOv3 models with anchors: YOLOv3, YOLOv3-SPP and YOLOv3-tiny."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headlab.checkpoint.yolov3.formats import FORMATS, claimed
from headlab.extras import PYTORCH, require
from headlab.families.family import Family

if TYPE_CHECKING:
    from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
    from headlab.checkpoint.yolov3.companion_files import CompanionFiles
    from headlab.detect.detector import Runnable
    from headlab.families.facts import Facts, Section
    from headlab.heads.layout import Layout


class Yolov3(Family["Yolov3Checkpoint"]):
    """YOLOv3 models of darknet, keras-yolo3 and headlab."""

    name = "yolov3"
    formats = FORMATS
    converts = True

    def recognises(self, path: Path, first_bytes: bytes) -> bool:
        """See `Family.recognises`; a .cfg too, whose reader says that it holds no weights."""
        return claimed(path, first_bytes)

    def read(self, path: Path, companions: CompanionFiles | None) -> Yolov3Checkpoint:
        """See `Family.read`."""
        from headlab.checkpoint.yolov3.read import read_yolov3

        return read_yolov3(path, companions)

    def describe(self, checkpoint: Yolov3Checkpoint) -> Layout:
        """See `Family.describe`."""
        from headlab.families.yolov3.head import layout_of

        return layout_of(checkpoint.description)

    def build(self, checkpoint: Yolov3Checkpoint) -> Any:
        """A `headlab.yolov3.network.YOLOv3`; see `Family.build`."""
        require("Running a network", PYTORCH)
        from headlab.yolov3.load import build

        return build(checkpoint)

    def runnable(
        self, checkpoint: Yolov3Checkpoint, network: Callable[[], Any] | None = None
    ) -> Runnable:
        """A form of the network that is made for prediction, not `network`; see `Family.runnable`."""
        from headlab.families.yolov3.detector import Yolov3Runnable

        del network
        return Yolov3Runnable(checkpoint)

    def remarks(self, checkpoint: Yolov3Checkpoint) -> tuple[str, ...]:
        """See `Family.remarks`."""
        from headlab.families.yolov3.remarks import remarks

        return remarks(checkpoint)

    def facts(self, checkpoint: Yolov3Checkpoint, layout: Layout) -> Facts:
        """See `Family.facts`."""
        from headlab.families.yolov3.facts import facts

        return facts(checkpoint, layout)

    def explain(
        self, checkpoint: Yolov3Checkpoint, layout: Layout, input_hw_px: tuple[int, int]
    ) -> tuple[Section, ...]:
        """See `Family.explain`."""
        from headlab.families.yolov3.explain.explanation import explanation

        return explanation(checkpoint, layout, input_hw_px)
