"""Detect with YOLOv3: letterboxing as in keras-yolo3 or stretching as in darknet, NMS as in ultralytics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headlab.detect.device import select
from headlab.detect.loader import loader
from headlab.detect.mapping import ToImage
from headlab.detect.nms import Suppression
from headlab.detect.offline import quiet
from headlab.detect.prediction import Prediction
from headlab.detect.settings import Settings
from headlab.detect.sources import Source
from headlab.extras import ultralytics
from headlab.families.yolov3.head import NMS_IOU, layout_of
from headlab.heads.input_pixels import check_memory
from headlab.heads.layout import Layout

_LEAST_BYTES_PER_PX = 128
"""What the first convolution writes: 32 numbers for each pixel of the input."""

if TYPE_CHECKING:
    from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
    from headlab.yolov3.network import YOLOv3


class Yolov3Runnable:
    """A YOLOv3 model that makes detectors. For each device it keeps a network that is made for prediction.

    Args:
        source: a checkpoint, whose weights are then in memory only once, or a network.
    """

    def __init__(self, source: YOLOv3 | Yolov3Checkpoint) -> None:
        self.source = source
        self.layout = layout_of(source.description)
        self._by_device: dict[str, Any] = {}

    @property
    def input_hw_px(self) -> tuple[int, int]:
        """The input size that the model was made for."""
        return self.source.description.input_hw_px

    def detector(self, settings: Settings) -> Yolov3Detector:
        """See `headlab.detect.detector.Runnable`."""
        return Yolov3Detector(self, settings.for_head(self.layout))

    def on(self, device: Any) -> Any:
        """The network for prediction on a device."""
        from headlab.yolov3.fused import fused

        key = str(device)
        if key not in self._by_device:
            self._by_device[key] = fused(self.source, device=device)
        return self._by_device[key]


class Yolov3Detector:
    """A network ready to detect.

    Args:
        runnable: the model.
        settings: how to detect, with nothing left open (see `Settings.for_head`).

    Raises:
        InputError: the device is not there, or the input is too large for the memory.
    """

    def __init__(self, runnable: Yolov3Runnable, settings: Settings) -> None:
        self.settings = settings
        self._layout = layout = runnable.layout
        self._input_hw_px = _input_hw_px(runnable.input_hw_px, layout, settings)
        check_memory(self._input_hw_px, _LEAST_BYTES_PER_PX)
        self._device = select(settings.device)
        self._network = runnable.on(self._device)
        self._suppression = Suppression(
            class_count=len(layout.class_names),
            conf=settings.conf,
            iou=NMS_IOU if settings.iou is None else settings.iou,
            max_det=settings.max_det,
            classes=settings.classes,
            agnostic=settings.agnostic_nms,
            multi_label=settings.multi_label,
        )

    def __call__(self, sources: Sequence[Source]) -> Iterator[Prediction]:
        """See `headlab.detect.detector.Detector`."""
        images = iter(loader(sources, vid_stride=self.settings.vid_stride))
        while True:
            with quiet():
                names, pixels, _ = next(images, ([], [], []))
            if not pixels:
                return
            yield self._predicted(images.served.popleft(), names[0], pixels[0])

    def _predicted(self, source: Source, name: str, image_bgr: NDArray[np.uint8]) -> Prediction:
        import torch

        from headlab.yolov3.decode import decode
        from headlab.yolov3.letterbox import Letterbox
        from headlab.yolov3.stretch import Stretch

        resize = Stretch if self.settings.resize == "stretch" else Letterbox
        resized = resize(image_bgr.shape[:2], self._input_hw_px)
        pixels = torch.from_numpy(resized.pixels(image_bgr)).to(self._device)
        rgb = pixels.flip(-1).permute(2, 0, 1)
        with torch.no_grad():
            images = rgb[None].float() / 255
            candidates = decode(self._network(images), self._layout.levels)
        kept, flat = self._suppression(candidates[0])
        height, width = resized.image_hw_px
        resized_height, resized_width = resized.resized_hw_px
        to_image = ToImage(
            (resized_width / width, resized_height / height),
            resized.offset_xy_px,
            resized.image_hw_px,
        )
        return Prediction(
            source=source,
            image_bgr=image_bgr,
            input_hw_px=self._input_hw_px,
            result=self._result(name, image_bgr, kept, to_image),
            flat=flat,
            kept=kept,
            candidates=candidates[0],
            corners=False,
            class_count=len(self._layout.class_names),
            to_image=to_image,
        )

    def _result(self, name: str, image_bgr: NDArray[np.uint8], kept: Any, to_image: ToImage) -> Any:
        """The detections as ultralytics' `Results`."""
        boxes = kept.clone()
        boxes[:, :4] = kept.new_tensor(to_image(kept[:, :4].cpu().numpy()))
        names = dict(enumerate(self._layout.class_names))
        results = ultralytics("engine.results").Results
        return results(image_bgr, path=name, names=names, boxes=boxes)


def _input_hw_px(usual: tuple[int, int], layout: Layout, settings: Settings) -> tuple[int, int]:
    """The input's height and width, rounded up to multiples of the largest stride as in ultralytics."""
    size = settings.imgsz or usual
    height, width = size if isinstance(size, tuple) else (size, size)
    stride = max(layout.strides_px)
    return -(-height // stride) * stride, -(-width // stride) * stride
