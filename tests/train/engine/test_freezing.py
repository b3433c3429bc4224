"""What is frozen: the counts of keras-yolo3, and that nothing frozen moves."""

from __future__ import annotations

import pytest
import torch

from headlab.train.engine.freezing import (
    freeze,
    frozen_convolutions,
    frozen_count,
    train_mode,
    trainable_count,
)
from headlab.yolov3.network import YOLOv3
from yolov3_models import description

COCO_CLASSES = tuple(f"class{number}" for number in range(80))


def small() -> YOLOv3:
    torch.manual_seed(0)
    return YOLOv3(description())


def trained(network: YOLOv3) -> set[str]:
    return {name for name, each in network.named_parameters() if each.requires_grad}


def test_counts_are_those_that_keras_reports() -> None:
    # 61,949,149 trainable numbers of the whole, of which freeze_body 1 and 2 leave these
    # (golden/README.md, recorded from keras-yolo3).
    with torch.device("meta"):
        network = YOLOv3(description("yolov3", COCO_CLASSES))
    for what, count in (("none", 61_949_149), ("backbone", 21_364_221), ("heads-only", 457_725)):
        freeze(network, what)  # type: ignore[arg-type]
        assert trainable_count(network) == count
        assert frozen_count(network) == 61_949_149 - count


def test_heads_only_leaves_the_last_convolutions() -> None:
    network = small()
    freeze(network, "heads-only")
    levels = ("P5", "P4")
    assert trained(network) == {
        f"{at}.output.{part}" for at in levels for part in ("weight", "bias")
    }
    # 24 outputs for 3 classes and 3 slots: 512 * 24 + 24 on P5, 256 * 24 + 24 on P4.
    assert trainable_count(network) == 512 * 24 + 24 + 256 * 24 + 24


def test_backbone_leaves_the_head() -> None:
    network = small()
    freeze(network, "backbone")
    assert trained(network) == {
        name for name, _ in network.named_parameters() if not name.startswith("backbone.")
    }


@pytest.mark.parametrize("what", ["heads-only", "backbone", "none"])
@pytest.mark.parametrize("variant", ["yolov3", "yolov3-spp", "yolov3-tiny"])
def test_the_frozen_convolutions_are_those_that_freeze_freezes(variant: str, what: str) -> None:
    with torch.device("meta"):
        network = YOLOv3(description(variant))
    freeze(network, what)  # type: ignore[arg-type]
    architecture = network.description.architecture
    frozen = {
        convolution.name
        for convolution in architecture.convolutions
        if not any(tensor.name in trained(network) for tensor in convolution.tensors)
    }
    assert set(frozen_convolutions(architecture, what)) == frozen  # type: ignore[arg-type]


@pytest.mark.parametrize("first", ["heads-only", "backbone", "none"])
def test_none_frees_all_that_was_frozen_before(first: str) -> None:
    network = small()
    freeze(network, first)  # type: ignore[arg-type]
    freeze(network, "none")
    assert frozen_count(network) == 0


def test_a_step_moves_nothing_that_is_frozen_not_even_running_statistics() -> None:
    network = small()
    freeze(network, "backbone")
    train_mode(network)
    before = {name: each.clone() for name, each in network.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], 0.1)
    sum(output.square().mean() for output in network(torch.rand(2, 3, 96, 96))).backward()
    optimizer.step()
    moved = {name for name, each in network.state_dict().items() if not each.equal(before[name])}
    assert not [name for name in moved if name.startswith("backbone.")]
    assert {"P5.body1.norm.running_mean", "P5.body1.norm.weight", "P4.output.weight"} <= moved


def test_training_mode_comes_back_after_evaluation() -> None:
    network = small()
    freeze(network, "heads-only")
    for _ in range(2):
        train_mode(network)
        norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        assert network.training
        assert not any(norm.training for norm in norms)
        network.eval()
    freeze(network, "none")
    train_mode(network)
    assert all(module.training for module in network.modules())
