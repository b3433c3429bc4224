"""Every family's head is recognised by its structure; the others are refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import models
from headlab.errors import UnsupportedHead
from headlab.families.identify import identify
from headlab.families.read import read
from headlab.families.ultralytics.kinds import REFUSED, SUPPORTED
from models import KINDS, REFUSED_KINDS

HEAD_PREFIX = {
    "yolov8": "model.22",
    "yolov8-p2": "model.28",
    "yolov8-p6": "model.30",
    "yolov8-seg": "model.22",
    "yolov8-pose": "model.22",
    "yolov8-obb": "model.22",
    "yolov3-tiny": "model.20",
    "yolov5": "model.24",
    "yolo11": "model.23",
    "yolov10": "model.23",
    "yolo26": "model.23",
    "yolo26-p2": "model.29",
    "yolo26-p6": "model.31",
    "yolo26-seg": "model.23",
    "yolo26-pose": "model.23",
    "yolo26-obb": "model.23",
}
"""The head is the last layer of ultralytics' description; its number counts the layers before it."""

LEVEL_NAMES = {4: "P2", 8: "P3", 16: "P4", 32: "P5", 64: "P6"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_layout_of_every_family(kind: str, small: Callable[..., Path]) -> None:
    known, prefix = KINDS[kind], HEAD_PREFIX[kind]
    layout = identify(read(small(kind)))
    assert (layout.head, layout.task) == (known.head, known.task)
    assert layout.strides_px == known.strides
    assert layout.level_names == tuple(LEVEL_NAMES[stride] for stride in known.strides)
    assert layout.class_names == ("ant", "bee", "cat")
    assert layout.rotated == (known.task == "obb")
    assert not layout.end_to_end  # both branches are there, and ultralytics then uses one-to-many
    children = {"one2many": "cv3"}
    if known.end2end:
        children["one2one"] = "one2one_cv3"
    assert layout.branches == tuple(children)
    for at, level in enumerate(layout.levels):
        assert level.slots == 1
        for rows, child in zip(level.class_rows, children.values(), strict=True):
            assert rows.weight == f"{prefix}.{child}.{at}.2.weight"
            assert rows.bias == f"{prefix}.{child}.{at}.2.bias"
            assert [rows.row(class_id) for class_id in range(3)] == [0, 1, 2]


@pytest.mark.parametrize("kind", KINDS)
def test_class_rows_are_those_of_the_network(kind: str, small: Callable[..., Path]) -> None:
    """The named parameters are the very ones of the convolutions that ultralytics runs."""
    path = small(kind)
    network = torch.load(path, weights_only=False)["model"]
    layout = identify(read(path))
    parameters = dict(network.named_parameters())
    levels = [rows for branch in layout.branches for rows in _of_branch(layout, branch)]
    for rows, convolution in zip(levels, models.class_convolutions(network), strict=True):
        assert parameters[rows.weight] is convolution.weight
        assert parameters[rows.bias] is convolution.bias
    assert list(layout.strides_px) == network.model[-1].stride.tolist()


def _of_branch(layout, branch):  # type: ignore[no-untyped-def]
    return [rows for level in layout.levels for rows in level.class_rows if rows.branch == branch]


@pytest.mark.parametrize("kind", ["yolov10", "yolo26", "yolo26-seg", "yolo26-pose", "yolo26-obb"])
def test_a_fused_end_to_end_head_has_one_branch_left(kind: str, tmp_path: Path) -> None:
    layout = identify(read(models.fused(tmp_path, kind=kind)))
    assert layout.end_to_end
    assert layout.branches == ("one2one",)
    assert layout.levels[2].class_rows[0].weight == "model.23.one2one_cv3.2.2.weight"


@pytest.mark.parametrize("nc", [1, 80])
def test_the_number_of_classes(nc: int, small: Callable[..., Path]) -> None:
    layout = identify(read(small("yolov3-tiny", nc=nc)))
    assert len(layout.class_names) == nc
    assert layout.levels[0].class_rows[0].rows_per_slot == nc


def test_the_real_yolov8n(yolov8n: Path) -> None:
    layout = identify(read(yolov8n))
    assert layout.level_names == ("P3", "P4", "P5")
    assert [level.class_rows[0].weight for level in layout.levels] == [
        "model.22.cv3.0.2.weight",
        "model.22.cv3.1.2.weight",
        "model.22.cv3.2.2.weight",
    ]
    assert (layout.class_names[14], layout.class_names[15], layout.class_names[19]) == (
        "bird",
        "cat",
        "cow",
    )


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("rtdetr", "its detections come from decoder queries, not from cells of a level"),
        ("yolov8-worldv2", "its class scores come from text embeddings, not from class rows"),
        ("yoloe-v8", "its class scores come from text embeddings, not from class rows"),
        ("yoloe-v8-seg", "its class scores come from text embeddings, not from class rows"),
        ("yolov8-cls", "it classifies whole images: there are no levels or cells"),
    ],
)
def test_other_heads_are_refused(kind: str, why: str, small: Callable[..., Path]) -> None:
    path = small(kind)
    with pytest.raises(UnsupportedHead) as raised:
        identify(read(path))
    assert raised.value.message == f"{path}: the head is {REFUSED_KINDS[kind].head}: {why}."
    assert raised.value.hint == (
        "Supported heads: Detect, OBB, OBB26, Pose, Pose26, Segment, Segment26, v10Detect."
    )


def test_a_head_of_another_package_is_refused(tmp_path: Path) -> None:
    network = torch.nn.Module()
    network.model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1))
    torch.save({"model": network}, tmp_path / "x.pt")
    with pytest.raises(UnsupportedHead) as raised:
        identify(read(tmp_path / "x.pt"))
    assert "the head is torch.nn.modules.conv.Conv2d, which is not a head" in raised.value.message


def test_every_head_of_ultralytics_is_known() -> None:
    """A release of ultralytics with a new head fails here, so that its row is written deliberately."""
    from ultralytics.nn.modules import head

    defined = {
        name
        for name, each in vars(head).items()
        if isinstance(each, type)
        and issubclass(each, torch.nn.Module)
        and each.__module__ == head.__name__
    }
    assert defined - set(SUPPORTED) - set(REFUSED) == {"LRPCHead"}  # a part of YOLOEDetect, no head
    assert not set(SUPPORTED) & set(REFUSED)
