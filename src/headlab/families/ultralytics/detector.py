"""ultralytics' own prediction, with the flat index of every detection and the candidates kept.

The predictors of ultralytics can ask their NMS for the indices that survive, which they use to pick
features for tracking. headlab uses this hook and nothing else, so that boxes, scores, classes and their
order are those of `YOLO.predict`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

from headlab.detect.device import select
from headlab.detect.loader import COLOUR_CHANNELS, loader
from headlab.detect.mapping import ToImage
from headlab.detect.offline import quiet
from headlab.detect.prediction import Prediction
from headlab.detect.settings import Settings
from headlab.detect.sources import Source
from headlab.errors import CheckpointError
from headlab.extras import ultralytics
from headlab.families.ultralytics.blame import blaming
from headlab.heads.input_pixels import check_memory
from headlab.heads.layout import Layout

_PREDICTORS = {
    "detect": "DetectionPredictor",
    "obb": "OBBPredictor",
    "pose": "PosePredictor",
    "segment": "SegmentationPredictor",
}


class UltralyticsRunnable:
    """An ultralytics network that makes detectors.

    Args:
        network: from `headlab.families.ultralytics.rebuild.rebuild`; the first detector fuses it.
        layout: the head's description.
        path: the file, for messages.
    """

    def __init__(self, network: Any, layout: Layout, path: Path) -> None:
        self.network = network
        self.layout = layout
        self.path = path

    def detector(self, settings: Settings) -> UltralyticsDetector:
        """See `headlab.detect.detector.Runnable`."""
        return UltralyticsDetector(
            self.network, settings.for_head(self.layout), self.layout, self.path
        )


class UltralyticsDetector:
    """A network ready to detect; it is fused and warmed up once.

    Args:
        network: an ultralytics network, from `headlab.families.ultralytics.rebuild.rebuild`.
        settings: how to detect, with nothing left open (see `Settings.for_head`).
        layout: the head's description.
        path: the file, for messages.

    Raises:
        InputError: the device is not there.
        CheckpointError: the network cannot run, or not on photos.
    """

    def __init__(self, network: Any, settings: Settings, layout: Layout, path: Path) -> None:
        self.settings = settings
        if settings.imgsz is not None:
            size = settings.imgsz
            check_memory(size if isinstance(size, tuple) else (size, size))
        self._layout = layout
        self._path = path
        self._network = network
        _check_reads_photos(network, path)
        self._predictor = _predictor_class(network.task)(overrides=_overrides(network, settings))
        select(settings.device)
        with quiet(), self._blaming():
            self._predictor.setup_model(model=network, verbose=False)

    def __call__(self, sources: Sequence[Source]) -> Iterator[Prediction]:
        """See `headlab.detect.detector.Detector`."""
        if not sources:
            return
        channels = self._predictor.model.channels
        images = loader(sources, channels=channels, vid_stride=self.settings.vid_stride)
        results = self._predictor(source=images, stream=True)
        while True:
            with quiet(), self._blaming():
                result = next(results, None)
            if result is None:
                return
            prediction = _collected(self._predictor, result, images.served.popleft())
            self._check_addresses(prediction)
            yield prediction

    def _blaming(self) -> AbstractContextManager[None]:
        return blaming(str(self._path), self._network, "run", always=False)

    def _check_addresses(self, prediction: Prediction) -> None:
        """Check that there are as many candidates as cells, without which addresses would be wrong."""
        cells = self._layout.addresses(*prediction.input_hw_px).total
        if prediction.candidates.shape[-1] != cells:
            raise CheckpointError(
                f"{self._path}: the network gives {prediction.candidates.shape[-1]:,} candidates; by the "
                f"strides of its head they would be {cells:,}.",
                "Boxes and addresses would be wrong, so headlab does not run it.",
            )


def _check_reads_photos(network: Any, path: Path) -> None:
    channels = network.yaml.get("channels", COLOUR_CHANNELS)
    if channels not in (1, COLOUR_CHANNELS):
        raise CheckpointError(
            f"{path}: the network takes images of {channels} channels; photos have 3, or 1 in grey.",
            "It can be inspected and edited, but not run on photos.",
        )


def _overrides(network: Any, settings: Settings) -> dict[str, Any]:
    size = settings.imgsz or network.args.get("imgsz") or 640
    return {
        "task": network.task,
        "mode": "predict",
        "conf": settings.conf,
        "iou": settings.iou,
        "imgsz": list(size) if isinstance(size, tuple) else size,
        "classes": list(settings.classes) if settings.classes is not None else None,
        "max_det": settings.max_det,
        "agnostic_nms": settings.agnostic_nms,
        "nms": False if settings.end2end else None,
        "device": settings.device,
        "vid_stride": settings.vid_stride,
        "batch": 1,
        "rect": True,
        "save": False,
        "verbose": False,
    }


@cache
def _predictor_class(task: str) -> type:
    """The predictor of ultralytics for a task, extended to remember indices and candidates."""
    base: Any = getattr(ultralytics("models.yolo"), task)
    parent: Any = getattr(base, _PREDICTORS[task])

    class Addressed(parent):  # type: ignore[misc]
        """A predictor that keeps what NMS was given and what survived."""

        _feats = ()

        def get_obj_feats(self, _maps: Any, indices: Any) -> Any:
            """Return the surviving indices; they come back as the results' `feats`."""
            return indices

        def postprocess(self, preds: Any, img: Any, orig_imgs: Any, **kwargs: Any) -> Any:
            """Remember the raw predictions of this batch."""
            self.raw, self.input_hw_px = preds, tuple(img.shape[2:])
            return super().postprocess(preds, img, orig_imgs, **kwargs)

        def construct_result(self, pred: Any, *args: Any) -> Any:
            """Remember the surviving rows in input pixels, which the parent scales in place."""
            self.kept = pred.clone()
            return super().construct_result(pred, *args)

    return Addressed


def _collected(predictor: Any, result: Any, source: Source) -> Prediction:
    """The latest result with everything that the predictor remembers about it."""
    import torch

    decoded, raw = _decoded(predictor.raw)
    indices = torch.as_tensor(result.feats, dtype=torch.int64).reshape(-1)
    head = predictor.model.backend.model.model[-1]
    if head.end2end:
        candidates = _before_top_k(head, raw)
        chosen = head.get_topk_index(candidates[4 : 4 + head.nc].T[None], head.max_det)[2]
        indices = chosen[0][indices]
    else:
        candidates = decoded[0]
    kept, result, indices = _without_empty_masks(predictor, result, indices)
    return Prediction(
        source=source,
        image_bgr=result.orig_img,
        input_hw_px=predictor.input_hw_px,
        result=result,
        flat=indices.cpu().numpy(),
        kept=kept,
        candidates=candidates,
        corners=head.end2end,
        class_count=head.nc,
        to_image=_to_image(predictor.input_hw_px, result.orig_img.shape[:2]),
    )


def _to_image(input_hw_px: tuple[int, int], image_hw_px: tuple[int, int]) -> ToImage:
    """The mapping of ultralytics' `scale_boxes`."""
    (input_height, input_width), (height, width) = input_hw_px, image_hw_px
    gain = min(input_height / height, input_width / width)
    new_height, new_width = max(round(height * gain), 1), max(round(width * gain), 1)
    left = round((input_width - new_width) / 2 - 0.1)
    top = round((input_height - new_height) / 2 - 0.1)
    return ToImage((new_width / width, new_height / height), (left, top), image_hw_px)


def _decoded(raw: Any) -> tuple[Any, Any]:
    """The decoded predictions, and the dictionary of raw outputs."""
    first, outputs = raw
    return (first[0] if isinstance(first, tuple) else first), outputs


def _before_top_k(head: Any, raw: Any) -> Any:
    """What an end-to-end head decoded before it chose its best, shape (4 + C + extra, N)."""
    return head._inference(raw["one2one"])[0]


def _without_empty_masks(predictor: Any, result: Any, indices: Any) -> tuple[Any, Any, Any]:
    """Drop what ultralytics drops when nobody asks for indices: detections with an empty mask."""
    if result.masks is None:
        return predictor.kept, result, indices
    seen = result.masks.data.amax((-2, -1)) > 0
    return predictor.kept[seen], result[seen], indices[seen.cpu()]
