"""Rebuild a checkpoint's network with ultralytics, from the file's own description and tensors.

The pickled modules are never unpickled: ultralytics builds the network anew, and every tensor is loaded
by name. The names, shapes, classes and settings in the file must be those of the network that was built.
"""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np

from headlab.checkpoint.pt.checkpoint import PtCheckpoint
from headlab.checkpoint.tensors import encoded
from headlab.detect.offline import quiet
from headlab.errors import CheckpointError
from headlab.extras import require, ultralytics
from headlab.families.facts import joined
from headlab.families.ultralytics import description as descriptions
from headlab.families.ultralytics.blame import blaming
from headlab.families.ultralytics.head import find_head, identify_pt
from headlab.families.ultralytics.kinds import SUPPORTED
from headlab.families.ultralytics.matching import fold, match
from headlab.families.ultralytics.metadata import TRAINING_STATE, kept_metadata, training_arguments
from headlab.families.ultralytics.trial import SIDE_PX, built_without_memory, grids_hw
from headlab.heads.layout import Layout

_MODELS = {
    "detect": "DetectionModel",
    "obb": "OBBModel",
    "pose": "PoseModel",
    "segment": "SegmentationModel",
}
_SHOWN = 3


def rebuild(checkpoint: PtCheckpoint) -> Any:
    """The checkpoint's network, as edited, in float32 and evaluation mode.

    It computes exactly what `YOLO(path).model` computes. A network whose classes were kept or dropped
    keeps the width of its class branches, which ultralytics would derive from the class count.

    Returns:
        an `ultralytics.nn.tasks.DetectionModel` or a subclass of it.

    Raises:
        UnsupportedHead: the head is of a kind that headlab does not describe.
        CheckpointError: the file contradicts itself, or holds NaN or infinite weights.
        MissingExtra: ultralytics is not installed.
    """
    require("Running a network")
    layout = identify_pt(checkpoint)
    description = descriptions.checked(checkpoint)
    description["nc"] = _width(checkpoint, layout)
    channels = descriptions.channels(checkpoint)
    shell = built_without_memory(checkpoint, description, channels)
    grids = grids_hw(checkpoint, shell, channels)
    if _prepare(checkpoint, layout, shell):
        grids = grids_hw(checkpoint, shell, channels)
    _check_strides(checkpoint, layout, grids)
    model = getattr(ultralytics("nn.tasks"), _MODELS[layout.task])
    with quiet(), blaming(str(checkpoint.path), shell, "built from its description"):
        network = model(description, ch=channels, verbose=False)
    _check_root(checkpoint, network)
    _prepare(checkpoint, layout, network)
    network.yaml["nc"] = network.model[-1].nc
    _load(checkpoint, network)
    return _described(checkpoint, layout, network)


def save_rebuilt(checkpoint: PtCheckpoint, file: BinaryIO) -> None:
    """Write a checkpoint whose edit changed shapes, in the format that `YOLO(path)` loads.

    The state of an unfinished training (its optimizer, its second set of weights) would no longer fit. It is
    left out, as ultralytics leaves it out at the end of a training.

    Raises:
        CheckpointError: the file contradicts itself, or a value does not fit the stored dtype.
        MissingExtra: ultralytics is not installed.
    """
    require("Removing classes from a .pt file")
    import torch

    for name, array in checkpoint.replaced.items():
        encoded(checkpoint.tensor(name), array)
    network = rebuild(checkpoint)
    dtypes = {tensor.dtype for tensor in checkpoint.tensors.values() if "float" in tensor.dtype}
    network = network.to(getattr(torch, dtypes.pop()) if len(dtypes) == 1 else torch.float32)
    for parameter in network.parameters():
        parameter.requires_grad = False
    torch.save({**kept_metadata(checkpoint), **TRAINING_STATE, "model": network}, file)


def _width(checkpoint: PtCheckpoint, layout: Layout) -> int:
    """The number of classes for which ultralytics makes class branches as wide as the file's.

    It makes a class branch max(ch[0], min(nc, 100)) channels wide. Building it for min(width, 100) classes
    therefore gives the file's width, whatever the number of class rows.
    """
    return min(checkpoint.tensor(layout.levels[0].class_rows[0].weight).shape[1], 100)


def _prepare(checkpoint: PtCheckpoint, layout: Layout, network: Any) -> bool:
    """Fold, resize and set the modules of a network as those of the file are; whether settings differed."""
    fold(checkpoint, network, end_to_end=layout.end_to_end)
    _resize_class_rows(checkpoint, layout, network)
    return match(checkpoint, network)


def _check_root(checkpoint: PtCheckpoint, network: Any) -> None:
    """Check that the network is of the file's class, and that its layers read what the file's read."""
    found = checkpoint.network
    kind = type(network).__name__
    if found.cls.name != kind:
        raise CheckpointError(
            f"{checkpoint.path}: the network is a {found.cls} in the file, but {kind} when ultralytics "
            f"{ultralytics().__version__} builds it.",
            "Another network would run, so headlab does not run this one.",
        )
    saved = found.attributes.get("save")
    if isinstance(saved, (list, tuple)) and not set(network.save) <= {
        at for at in saved if isinstance(at, int)
    }:
        raise CheckpointError(
            f"{checkpoint.path}: the file's network keeps the outputs of its layers {list(saved)!r:.200}, "
            f"but its layers read {network.save}.",
            "Another network would run, so headlab does not run this one.",
        )


def _check_strides(checkpoint: PtCheckpoint, layout: Layout, grids: list[tuple[int, int]]) -> None:
    """Check the head's strides against the grids that the network has.

    Raises:
        CheckpointError: they contradict each other, so that boxes and addresses would be wrong.
    """
    expected = [(SIDE_PX // stride, SIDE_PX // stride) for stride in layout.strides_px]
    if grids != expected:
        said = joined([str(px) for px in layout.strides_px])
        found = [f"{SIDE_PX / height:g}" if height else "no" for height, _ in grids]
        raise CheckpointError(
            f"{checkpoint.path}: the head's strides are {said} px in the file, but the cells "
            f"of its levels are {joined(found)} px wide in the network.",
            "Boxes and addresses would be wrong, so headlab does not run it.",
        )


def _resize_class_rows(checkpoint: PtCheckpoint, layout: Layout, network: Any) -> None:
    """Give every convolution with a row per class the number of rows that the checkpoint has."""
    import torch

    prefix, _ = find_head(checkpoint)
    paths = [
        rows.weight.removesuffix(".weight") for level in layout.levels for rows in level.class_rows
    ]
    paths += [f"{prefix}.{child}" for child in SUPPORTED[layout.head].per_class]
    for path in paths:
        if f"{path}.bias" not in checkpoint.tensors:
            continue
        try:
            old = network.get_submodule(path)
        except AttributeError:  # what is in the file and not in the network is named later
            continue
        if not isinstance(old, torch.nn.Conv2d):
            continue
        count = checkpoint.shape(f"{path}.bias")[0]
        if old.out_channels != count:
            parent, _, child = path.rpartition(".")
            new = torch.nn.Conv2d(old.in_channels, count, old.kernel_size)
            network.get_submodule(parent)[int(child)] = new
    head = network.model[-1]
    head.nc = len(checkpoint.class_names)
    head.no = head.nc + 4 * head.reg_max


def _load(checkpoint: PtCheckpoint, network: Any) -> None:
    import torch

    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    _check_names(checkpoint, expected)
    state = {}
    for name in expected:
        array = checkpoint.array(name)
        if not np.isfinite(array).all():
            raise CheckpointError(
                f"{checkpoint.path}: {name} holds NaN or infinite values.",
                "The training diverged or the file is damaged; use an earlier checkpoint.",
            )
        state[name] = torch.from_numpy(np.ascontiguousarray(array).reshape(array.shape))
    network.load_state_dict(state, strict=True)


def _check_names(checkpoint: PtCheckpoint, expected: dict[str, tuple[int, ...]]) -> None:
    in_file = {name: checkpoint.shape(name) for name in checkpoint.tensors}
    missing = [name for name in expected if name not in in_file]
    unknown = [name for name in in_file if name not in expected]
    other = [name for name in expected if name in in_file and in_file[name] != expected[name]]
    problems = [
        f"{len(names)} {what} ({', '.join(names[:_SHOWN])}{', …' if len(names) > _SHOWN else ''})"
        for what, names in (("missing", missing), ("unknown", unknown), ("of another shape", other))
        if names
    ]
    if problems:
        detail = (
            f" {other[0]}: file {in_file[other[0]]}, network {expected[other[0]]}." if other else ""
        )
        raise CheckpointError(
            f"{checkpoint.path}: the tensors do not fit the network that the file describes: "
            f"{'; '.join(problems)}.{detail}",
            "The description is not of these weights; use the checkpoint that the training wrote.",
        )


def _described(checkpoint: PtCheckpoint, layout: Layout, network: Any) -> Any:
    """The network with the attributes that ultralytics expects on a loaded one."""
    import torch

    head = network.model[-1]
    head.stride = network.stride = torch.tensor([float(px) for px in layout.strides_px])
    for module in network.modules():
        if hasattr(module, "inplace"):
            module.inplace = True  # as ultralytics sets it on loading; activations then save memory
    network.names = dict(enumerate(checkpoint.class_names))
    network.task = layout.task
    arguments = training_arguments(checkpoint)
    network.args = {key: value for key, value in arguments.items() if key != "imgsz"}
    if checkpoint.input_hw_px:
        height, width = checkpoint.input_hw_px
        network.args["imgsz"] = height if height == width else [height, width]
    return network.eval()
