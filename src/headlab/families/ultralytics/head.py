"""PtCheckpoint -> layout: the head is recognised by its structure."""

from __future__ import annotations

from itertools import chain

from headlab.checkpoint.pt.checkpoint import PtCheckpoint
from headlab.checkpoint.pt.modules import children, walk
from headlab.checkpoint.pt.objects import Instance, TensorRef
from headlab.errors import CheckpointError, UnsupportedHead
from headlab.families.ultralytics.kinds import PACKAGES, REFUSED, SUPPORTED, HeadKind
from headlab.heads.detection import DetectionRules, Refusal
from headlab.heads.layout import ClassRows, Layout, Level

_LARGEST_STRIDE_PX = 1024
_CONTRADICTION = "The file contradicts itself; use the checkpoint that the training wrote."


def identify_pt(checkpoint: PtCheckpoint) -> Layout:
    """Describe a checkpoint's head.

    Raises:
        UnsupportedHead: the head is of a kind without class rows per level.
        CheckpointError: the file contradicts itself.
    """
    prefix, head = find_head(checkpoint)
    kind = SUPPORTED[head.cls.name]
    names = checkpoint.class_names
    strides = _strides(checkpoint, head)
    rows = _class_rows(checkpoint, prefix, head, kind)
    if any(len(levels) != len(strides) for levels in rows.values()):
        raise CheckpointError(
            f"{checkpoint.path}: the head has {len(strides)} strides, but class branches for "
            f"{' and '.join(str(len(levels)) for levels in rows.values())} levels.",
            _CONTRADICTION,
        )
    count = _count_classes(checkpoint, rows)
    if len(names) != count:
        raise CheckpointError(
            f"{checkpoint.path}: the head has rows for {count} classes, but the file names "
            f"{len(names)}.",
            _CONTRADICTION,
        )
    levels = tuple(
        Level(
            f"P{stride.bit_length() - 1}", stride, 1, tuple(levels[at] for levels in rows.values())
        )
        for at, stride in enumerate(strides)
    )
    return Layout(
        head=head.cls.name,
        task=kind.task,
        levels=levels,
        class_names=names,
        end_to_end="one2many" not in rows,
        rotated=kind.rotated,
        detection=DetectionRules(
            refusals=(_no_multi_label(head.cls.name), _no_stretching(head.cls.name))
        ),
    )


def _no_multi_label(head: str) -> Refusal:
    return Refusal(
        "multi_label",
        f"{head}: multi_label is for heads with anchors (YOLOv3); the detections of ultralytics models are "
        "those of YOLO.predict, which takes the best class only.",
        "Leave --multi-label out.",
    )


def _no_stretching(head: str) -> Refusal:
    return Refusal(
        "resize",
        f"{head}: photos are letterboxed, as YOLO.predict does; stretching them is for YOLOv3, whose darknet "
        "may do so.",
        "Leave --resize out.",
        accepted=(None, "letterbox"),
    )


def find_head(checkpoint: PtCheckpoint) -> tuple[str, Instance]:
    """The dotted name and placeholder of the head: the last child of the network's `model`.

    Raises:
        UnsupportedHead: the head is of a kind that headlab does not describe.
        CheckpointError: the network has no layers.
    """
    layers = children(checkpoint.network).get("model")
    stages = children(layers) if layers else {}
    if not stages:
        raise CheckpointError(
            f"{checkpoint.path}: the network has no layers in `model`.",
            "headlab reads networks that ultralytics 8 built.",
        )
    last = list(stages)[-1]
    head = stages[last]
    name = head.cls.name
    supported = "Supported heads: " + ", ".join(sorted(SUPPORTED)) + "."
    if head.cls.module not in PACKAGES:
        raise UnsupportedHead(
            f"{checkpoint.path}: the head is {head.cls}, which is not a head of ultralytics 8.",
            supported,
        )
    if name not in SUPPORTED:
        why = REFUSED.get(name, "it is not a Detect head")
        raise UnsupportedHead(f"{checkpoint.path}: the head is {name}: {why}.", supported)
    return f"model.{last}", head


def _strides(checkpoint: PtCheckpoint, head: Instance) -> list[int]:
    stored = head.attributes.get("stride")
    strides = checkpoint.values(stored) if isinstance(stored, TensorRef) else []
    whole = [int(stride) for stride in strides if stride.is_integer()]
    powers = all(
        1 < stride <= _LARGEST_STRIDE_PX and stride & (stride - 1) == 0 for stride in whole
    )
    if not whole or whole != strides or not powers or len(set(whole)) != len(whole):
        raise CheckpointError(
            f"{checkpoint.path}: the head's strides are {strides or 'missing'}; different "
            f"powers of two up to {_LARGEST_STRIDE_PX} were expected.",
            _CONTRADICTION,
        )
    return whole


def _class_rows(
    checkpoint: PtCheckpoint, prefix: str, head: Instance, kind: HeadKind
) -> dict[str, list[ClassRows]]:
    """Branch -> its class rows by level: the last convolution of each level's class branch."""
    by_branch: dict[str, list[ClassRows]] = {}
    for branch, child in kind.branches:
        levels = children(head).get(child)
        if levels is None:
            continue
        by_branch[branch] = [
            _last_convolution(checkpoint, f"{prefix}.{child}.{name}", level, branch)
            for name, level in children(levels).items()
        ]
    if not by_branch:
        expected = " or ".join(f"{prefix}.{child}" for _, child in kind.branches)
        raise CheckpointError(
            f"{checkpoint.path}: the head has no class branches ({expected}).",
            _CONTRADICTION,
        )
    return by_branch


def _last_convolution(
    checkpoint: PtCheckpoint, prefix: str, level: Instance, branch: str
) -> ClassRows:
    last = prefix
    for name, module in walk(level, str(checkpoint.path)):
        if module.cls.name == "Conv2d":
            last = f"{prefix}.{name}" if name else prefix
    weight, bias = f"{last}.weight", f"{last}.bias"
    for name in (weight, bias):
        if name not in checkpoint.tensors:
            raise CheckpointError(
                f"{checkpoint.path}: the class branch {prefix} should end in a convolution with "
                f"weight and bias, but {name} is missing.",
                _CONTRADICTION,
            )
    return ClassRows(branch, weight, bias, 0, checkpoint.shape(bias)[0])


def _count_classes(checkpoint: PtCheckpoint, rows: dict[str, list[ClassRows]]) -> int:
    counts = set()
    for level_rows in chain.from_iterable(rows.values()):
        weight = checkpoint.shape(level_rows.weight)
        bias = checkpoint.shape(level_rows.bias)
        if len(weight) != 4 or len(bias) != 1 or weight[0] != bias[0]:
            raise CheckpointError(
                f"{checkpoint.path}: {level_rows.weight} has shape {weight} and its bias {bias}; "
                "the same number of rows was expected.",
                _CONTRADICTION,
            )
        counts.add(bias[0])
    if len(counts) != 1:
        raise CheckpointError(
            f"{checkpoint.path}: the levels disagree on the number of classes: {sorted(counts)}.",
            _CONTRADICTION,
        )
    return int(counts.pop())
