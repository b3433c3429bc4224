"""The first lines of `headlab inspect`: what the file says of the model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headlab.inspection.explain.parts import anchor_text, mask_text
from headlab.plain_text import counted
from headlab.results.tables import line

if TYPE_CHECKING:
    from rich.text import Text

    from headlab.inspection.inspection import Inspection


def summary(shown: Inspection) -> Iterator[Text]:
    """One line per subject, below the file's name."""
    yield line(shown.path, "bold")
    for label, text in _yolov3(shown) if shown.layout.has_anchors else _ultralytics(shown):
        yield line(f"  {label:<10}  {text}")


def size_text(size_hw_px: tuple[int, int]) -> str:
    """Such as "480 x 640 px" (height x width), or "640 px" for a square."""
    height, width = size_hw_px
    return f"{height} px" if height == width else f"{height} x {width} px"


def _ultralytics(shown: Inspection) -> Iterator[tuple[str, str]]:
    said, layout = shown.metadata, shown.layout
    branches = " + ".join(layout.branches)
    yield "head", f"{layout.head} ({layout.task}), {branches}, {_classes(shown)}"
    network = [said["yaml_file"], f"scale {said['scale']}" if said["scale"] else None]
    yield "network", ", ".join([*(str(each) for each in network if each), _held(shown)])
    if said["train_imgsz"]:
        data = f", data {said['train_data']}" if said["train_data"] else ""
        yield "training", f"{size_text(said['train_imgsz'])}{data}"
    written = [
        f"ultralytics {said['version']}" if said["version"] else None,
        said["date"] and str(said["date"])[:19].replace("T", " "),
        "weights of `ema`" if said["weights"] == "ema" else None,
        f"epoch {said['epoch']}" if said["epoch"] is not None else None,
    ]
    if any(written):
        yield "written by", ", ".join(str(each) for each in written if each)


def _yolov3(shown: Inspection) -> Iterator[tuple[str, str]]:
    said = shown.metadata
    yield "head", f"{shown.layout.head} ({shown.layout.task}), {_classes(shown)}"
    yield "network", f"{said['network']}, {_held(shown)}"
    yield "format", ", ".join(_format(shown))
    yield "input", size_text(said["input_hw_px"])
    yield "batch norm", f"epsilon {said['batch_norm_epsilon']:g}"
    yield "anchors", " ".join(anchor_text(each) for each in said["anchors_wh_px"])
    masks = [f"{level.name} {mask_text(level.mask)}" for level in reversed(shown.levels)]
    yield "masks", ", ".join(masks)


def _format(shown: Inspection) -> Iterator[str]:
    said = shown.metadata
    yield said["format"]
    if said["format"] == "darknet":
        yield f"version {'.'.join(map(str, said['darknet_version']))}"
    if said["seen"]:
        yield f"{said['seen']:,} images seen in training"


def _classes(shown: Inspection) -> str:
    return counted(len(shown.layout.class_names), "class", "classes")


def _held(shown: Inspection) -> str:
    return f"{shown.parameter_tensors} parameters, {shown.parameter_numbers:,} numbers"
