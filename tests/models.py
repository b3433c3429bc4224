"""Small real models, built and seeded in the process, saved in the format that ultralytics writes.

Every kind comes from ultralytics' own description at the smallest width that it accepts, so that a
model builds in about a tenth of a second. Nothing is downloaded.

    path = detector(tmp_path)                              a YOLOv8 with three classes
    path = detector(tmp_path, kind="yolo26", nc=5, seed=2)
    path = training_checkpoint(tmp_path)                   `model` and `ema` with different weights
    path = fused(tmp_path, kind="yolo26")                  only the one-to-one branch is left
    network = build("yolov8-p2"); path = save(network, tmp_path / "p2.pt")

torch and ultralytics are imported when the first model is built, not before.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false", YOLO_VERBOSE="false")

IMGSZ = 128
_DEPTH_WIDTH_MAX_CHANNELS = [0.01, 1 / 64, 1024]


@dataclass(frozen=True)
class Kind:
    """How a kind of model is built, and what its head is known to be.

    Attributes:
        yaml: ultralytics' description.
        head: the class of its head.
        task: what ultralytics uses it for.
        strides: input pixels per cell by level; empty where the head has no levels to describe.
        network: the class in `ultralytics.nn.tasks`.
        end2end: the head has a one-to-one branch beside the other.
        tail: arguments of the head that replace those of the description, to keep it small.
    """

    yaml: str
    head: str
    task: str
    strides: tuple[int, ...] = (8, 16, 32)
    network: str = "DetectionModel"
    end2end: bool = False
    tail: tuple[Any, ...] = field(default=())


KINDS: dict[str, Kind] = {
    "yolov8": Kind("yolov8.yaml", "Detect", "detect"),
    "yolov8-p2": Kind("yolov8-p2.yaml", "Detect", "detect", (4, 8, 16, 32)),
    "yolov8-p6": Kind("yolov8-p6.yaml", "Detect", "detect", (8, 16, 32, 64)),
    "yolov8-seg": Kind("yolov8-seg.yaml", "Segment", "segment", network="SegmentationModel"),
    "yolov8-pose": Kind("yolov8-pose.yaml", "Pose", "pose", network="PoseModel"),
    "yolov8-obb": Kind("yolov8-obb.yaml", "OBB", "obb", network="OBBModel"),
    "yolov3-tiny": Kind("yolov3-tiny.yaml", "Detect", "detect", (16, 32)),
    "yolov5": Kind("yolov5.yaml", "Detect", "detect"),
    "yolo11": Kind("yolo11.yaml", "Detect", "detect"),
    "yolov10": Kind("yolov10n.yaml", "v10Detect", "detect", end2end=True),
    "yolo26": Kind("yolo26.yaml", "Detect", "detect", end2end=True),
    "yolo26-p2": Kind("yolo26-p2.yaml", "Detect", "detect", (4, 8, 16, 32), end2end=True),
    "yolo26-p6": Kind("yolo26-p6.yaml", "Detect", "detect", (8, 16, 32, 64), end2end=True),
    "yolo26-seg": Kind(
        "yolo26-seg.yaml", "Segment26", "segment", network="SegmentationModel", end2end=True
    ),
    "yolo26-pose": Kind("yolo26-pose.yaml", "Pose26", "pose", network="PoseModel", end2end=True),
    "yolo26-obb": Kind("yolo26-obb.yaml", "OBB26", "obb", network="OBBModel", end2end=True),
}
"""The kinds whose head headlab describes."""

REFUSED_KINDS: dict[str, Kind] = {
    "rtdetr": Kind(
        "yolov8-rtdetr.yaml",
        "RTDETRDecoder",
        "detect",
        (),
        "RTDETRDetectionModel",
        tail=(16, 10, 2, 2, 1, 16),  # hidden width, queries, points, heads, layers, feed-forward
    ),
    "yolov8-worldv2": Kind("yolov8-worldv2.yaml", "WorldDetect", "detect", (), "WorldModel"),
    "yoloe-v8": Kind("yoloe-v8.yaml", "YOLOEDetect", "detect", (), "YOLOEModel"),
    "yoloe-v8-seg": Kind("yoloe-v8-seg.yaml", "YOLOESegment", "segment", (), "YOLOESegModel"),
    "yolov8-cls": Kind("yolov8-cls.yaml", "Classify", "classify", (), "ClassificationModel"),
}
"""The kinds whose head headlab refuses."""

KIND_OF_LEVELS = {2: "yolov3-tiny", 3: "yolov8", 4: "yolov8-p2"}
DEFAULT_NAMES = ("ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen", "ibis", "jay")


def build(
    kind: str = "yolov8",
    *,
    nc: int = 3,
    names: Sequence[str] | None = None,
    seed: int = 0,
    awake: bool = True,
) -> Any:
    """A network of float32 weights drawn from a seed, in evaluation mode.

    Args:
        kind: a key of `KINDS` or `REFUSED_KINDS`.
        nc: the number of classes.
        names: the class names; without them "ant", "bee", … or "class 10", "class 11", …
        seed: of all weights.
        awake: make it detect things in any picture (see `wake`).
    """
    import torch
    from ultralytics.nn import tasks

    known = {**KINDS, **REFUSED_KINDS}[kind]
    with torch.random.fork_rng(devices=[]), _one_thread():
        torch.manual_seed(seed)
        network = getattr(tasks, known.network)(
            _description(known), ch=3, **({} if kind == "yolov8-cls" else {"nc": nc}), verbose=False
        )
        for name, parameter in network.named_parameters():
            if "one2one" in name and parameter.ndim > 1:
                torch.nn.init.kaiming_uniform_(parameter, a=math.sqrt(5))
        network.names = dict(enumerate(names or _names(network.yaml["nc"])))
        network.task = known.task
        network.args = {
            "task": known.task,
            "imgsz": IMGSZ,
            "model": known.yaml,
            "data": "seeded.yaml",
        }
        network.eval()
        return wake(network, seed=seed) if awake and known.strides else network


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Networks this small lose more to waiting for threads than they win, above all on a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _description(kind: Kind) -> dict[str, Any]:
    from ultralytics.nn.tasks import yaml_model_load

    description = dict(yaml_model_load(kind.yaml))
    if "scales" in description:
        description.update(scales={"n": _DEPTH_WIDTH_MAX_CHANNELS}, scale="n")
    else:
        depth, width, _ = _DEPTH_WIDTH_MAX_CHANNELS
        description.update(depth_multiple=depth, width_multiple=width)
    if kind.network == "ClassificationModel":
        description["nc"] = 3
    if "kpt_shape" in description:
        description["kpt_shape"] = [3, 3]
    if kind.tail:
        inputs, repeats, head, args = description["head"][-1]
        description["head"][-1] = [inputs, repeats, head, [*args, *kind.tail]]
    return description


def _names(count: int) -> Iterator[str]:
    for number in range(count):
        yield DEFAULT_NAMES[number] if number < len(DEFAULT_NAMES) else f"class {number}"


def wake(network: Any, *, seed: int = 0, share: float = 0.02) -> Any:
    """Scale a network's class rows so that it detects things: random weights alone score nothing.

    Batch norms first learn the statistics of blurred noise. Then each level's class rows are scaled to
    logits of standard deviation 2 there, and each bias is set so that the given share of all cells scores
    above 0.5.
    """
    import torch
    import torch.nn.functional as nn_functional

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed + 1)
        coarse = torch.rand(4, 3, 8, 8)
        picture = nn_functional.interpolate(coarse, IMGSZ * 2, mode="bicubic").clamp(0, 1)
        norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.momentum = None
            norm.reset_running_stats()
        network.train()
        network(picture)
        network.eval()
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for convolution in class_convolutions(network):
            torch.nn.init.normal_(convolution.weight)
            convolution.bias.zero_()
        logits: dict[Any, Any] = {}
        hooks = [
            convolution.register_forward_hook(lambda m, _, out: logits.setdefault(m, out))
            for convolution in class_convolutions(network)
        ]
        network(picture)
        for hook in hooks:
            hook.remove()
        for convolution, out in logits.items():
            rows = out.transpose(0, 1).flatten(1)
            scale = 2 / rows.std(1).clamp(min=1e-3)
            convolution.weight.mul_(scale[:, None, None, None])
            convolution.bias.copy_(-torch.quantile(rows * scale[:, None], 1 - share, dim=1))
    return network


def class_convolutions(network: Any) -> list[Any]:
    """The last convolution of every class branch: one-to-many levels first, then one-to-one."""
    head = network.model[-1]
    branches = [getattr(head, name, None) for name in ("cv3", "one2one_cv3")]
    return [level[-1] for branch in branches if branch is not None for level in branch]


def checkpoint_dict(network: Any, *, ema: Any = None, half: bool = True) -> dict[str, Any]:
    """What ultralytics saves; the networks themselves stay as they are."""
    import ultralytics

    def stored(each: Any) -> Any:
        copied = deepcopy(each)
        for parameter in copied.parameters():
            parameter.requires_grad = False
        return copied.half() if half else copied

    return {
        "epoch": -1,
        "best_fitness": None,
        "model": stored(network) if network is not None else None,
        "ema": stored(ema) if ema is not None else None,
        "updates": None,
        "optimizer": None,
        "train_args": {**(network or ema).args, "epochs": 3, "lr0": 0.01, "resume": False},
        "train_metrics": {"metrics/mAP50(B)": 0.5, "fitness": 0.5},
        "date": "2026-01-02T03:04:05+00:00",
        "version": ultralytics.__version__,
        "license": "AGPL-3.0 License (https://ultralytics.com/license)",
        "docs": "https://docs.ultralytics.com",
    }


def save(
    network: Any, path: Path, *, ema: Any = None, half: bool = True, protocol: int = 2
) -> Path:
    """Save a network as ultralytics does, and return the path."""
    import torch

    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(checkpoint_dict(network, ema=ema, half=half), path, pickle_protocol=protocol)
    return path


def detector(
    folder: Path,
    *,
    kind: str = "yolov8",
    nc: int = 3,
    levels: int | None = None,
    names: Sequence[str] | None = None,
    half: bool = True,
    seed: int = 0,
    awake: bool = True,
) -> Path:
    """Build a model, save it in a folder as `<kind>-<nc>-<seed>.pt`, and return its path.

    Args:
        folder: where to save it.
        kind: a key of `KINDS` or `REFUSED_KINDS`.
        nc: the number of classes.
        levels: 2, 3 or 4: choose the kind by its number of levels instead.
        names: the class names.
        half: save in half precision, as ultralytics does.
        seed: of all weights.
        awake: make it detect things in any picture.
    """
    chosen = kind if levels is None else KIND_OF_LEVELS[levels]
    network = build(chosen, nc=nc, names=names, seed=seed, awake=awake)
    return save(network, folder / f"{chosen}-{nc}-{seed}.pt", half=half)


def training_checkpoint(folder: Path, *, kind: str = "yolov8", nc: int = 3, seed: int = 0) -> Path:
    """A checkpoint from the middle of a training: `ema` and `model` with different weights."""
    network = build(kind, nc=nc, seed=seed)
    ema = build(kind, nc=nc, seed=seed + 1)
    return save(network, folder / f"{kind}-training.pt", ema=ema)


def fused(folder: Path, *, kind: str = "yolo26", nc: int = 3, seed: int = 0) -> Path:
    """An end-to-end model of which fusing has left only the one-to-one branch."""
    network = build(kind, nc=nc, seed=seed)
    network.end2end = True  # ultralytics drops the branch that is not selected
    return save(network.fuse(verbose=False), folder / f"{kind}-fused.pt")
