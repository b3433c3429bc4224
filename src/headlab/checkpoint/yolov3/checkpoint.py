"""A YOLOv3 model file of any format, as a checkpoint."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from headlab.checkpoint.checkpoint import Checkpoint
from headlab.checkpoint.tensors import Tensor
from headlab.checkpoint.yolov3.description import Description


@dataclass(frozen=True, kw_only=True)
class Yolov3Checkpoint(Checkpoint):
    """The tensors of a YOLOv3 network, in whatever file format.

    Names and shapes are those of `headlab.checkpoint.yolov3.architecture` in every format; only the place
    of the numbers differs.

    Attributes:
        file: the file with the weights.
        described: the model without its weights, as the file and its companions say.
        file_remarks: what is unusual about the files and how it was read, in sentences.
    """

    file: Path
    described: Description
    file_remarks: tuple[str, ...] = ()

    @property
    @abstractmethod
    def format(self) -> str:
        """The format: "darknet", "keras" or "headlab"."""

    @property
    def path(self) -> Path:
        """The file it was read from."""
        return self.file

    @cached_property
    def tensors(self) -> Mapping[str, Tensor]:
        """The network's tensors, convolution by convolution."""
        return self.described.architecture.tensors

    @property
    def description(self) -> Description:
        """The model without its weights, as edited."""
        return replace(self.described, class_names=self.class_names)

    @property
    def input_hw_px(self) -> tuple[int, int] | None:
        """The input's height and width that the model was made for."""
        return self.described.input_hw_px

    def stored_class_names(self) -> tuple[str, ...]:
        """The class names by class number, as the files have them."""
        return self.described.class_names

    @property
    def metadata(self) -> dict[str, Any]:
        """What the file and its companions say, apart from the class names."""
        described = self.described
        return {
            "network": described.variant,
            "anchors_wh_px": [list(anchor) for anchor in described.anchors_wh_px],
            "masks": [list(mask) for mask in described.masks],
            "input_hw_px": list(described.input_hw_px),
            "batch_norm_epsilon": described.batch_norm_epsilon,
            "darknet_version": list(described.darknet_version),
            "seen": described.seen,
        }

    def as_others_read(self) -> Yolov3Checkpoint:
        """The model as programs other than headlab read the file: without what only headlab finds in it."""
        return self

    @property
    def about(self) -> dict[str, Any]:
        """What `headlab inspect` shows of the metadata."""
        return {"format": self.format, **self.metadata}
