"""Files with the first convolutions of a network, or with the wrong number of them."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from darknet_files import HEADER_BYTES, weights_bytes

from headlab.checkpoint.yolov3.architecture import LEVELS
from headlab.checkpoint.yolov3.darknet.partial import read_partial, whole_convolutions
from headlab.checkpoint.yolov3.layer_graphs import architecture
from headlab.errors import CheckpointError
from yolov3_models import random_model

# darknet's `partial` keeps layers 0 to 14 of tiny for conv.15, layers 0 to 74 of Darknet-53 for conv.74.
TINY_CONV_15 = 7_743_344
DARKNET53_CONV_74 = 40_620_640


def sparse(path: Path, floats: int) -> Path:
    """A file of that many zeros, which takes no space on the disk."""
    with path.open("wb") as file:
        file.write(struct.pack("<3iq", 0, 2, 0, 0))
        file.truncate(HEADER_BYTES + 4 * floats)
    return path


@pytest.mark.parametrize(
    ("variant", "floats", "count", "last_layer"),
    [("yolov3", DARKNET53_CONV_74, 52, 73), ("yolov3-tiny", TINY_CONV_15, 9, 14)],
)
def test_the_two_files_that_people_have(
    variant: str, floats: int, count: int, last_layer: int
) -> None:
    network = architecture(variant, 80, [3] * len(LEVELS[variant]))
    assert whole_convolutions(network, floats) == count
    assert network.layers.index(network.convolutions[count - 1]) == last_layer
    assert whole_convolutions(network, floats - 1) is None
    assert whole_convolutions(network, network.floats) == len(network.convolutions)
    assert whole_convolutions(network, network.floats + 1) is None


def test_tiny_conv_15(tmp_path: Path) -> None:
    model = random_model()
    path = tmp_path / "yolov3-tiny.conv.15"
    path.write_bytes(weights_bytes(model)[: HEADER_BYTES + 4 * TINY_CONV_15])
    found = read_partial(path)
    assert found.architecture.variant == "yolov3-tiny"
    assert [each.name for each in found.convolutions][-2:] == ["P5.body1", "P5.expand"]
    assert set(found.arrays) == {
        tensor.name for each in found.convolutions for tensor in each.tensors
    }
    for name, numbers in found.arrays.items():
        np.testing.assert_array_equal(numbers, model.array(name))


def test_darknet53_conv_74_is_the_backbone(tmp_path: Path) -> None:
    found = read_partial(sparse(tmp_path / "darknet53.conv.74", DARKNET53_CONV_74))
    assert found.architecture.variant == "yolov3"
    assert found.convolutions == found.architecture.backbone


def test_for_a_network_that_is_named(tmp_path: Path) -> None:
    spp = architecture("yolov3-spp", 5, (3, 3, 3))
    found = read_partial(sparse(tmp_path / "darknet53.conv.74", DARKNET53_CONV_74), spp)
    assert found.architecture is spp
    assert len(found.convolutions) == 52
    tiny = architecture("yolov3-tiny", 2, (3, 3))
    assert (
        len(read_partial(sparse(tmp_path / "whole.weights", tiny.floats), tiny).convolutions) == 13
    )


def test_what_is_the_start_of_no_network(tmp_path: Path) -> None:
    path = sparse(tmp_path / "odd.conv.15", TINY_CONV_15 + 1)
    with pytest.raises(
        CheckpointError, match="its 7,743,345 numbers are not the first convolutions"
    ):
        read_partial(path)
    with pytest.raises(CheckpointError) as caught:
        read_partial(path, architecture("yolov3-tiny", 80, (3, 3)))
    # The next convolution, the output, has 255 * 512 + 255 = 130,815 numbers, of which one is there.
    assert (
        f"{path}: the file ends within P5.output (layer 15, [convolutional]), 130,814 numbers before "
        "its end: it holds 7,743,345, YOLOv3-tiny with 80 classes has 8,858,734."
    ) == caught.value.message


def test_a_whole_file_is_no_start_unless_its_network_is_named(tmp_path: Path) -> None:
    path = sparse(tmp_path / "yolov3-tiny.weights", 8_858_734)
    with pytest.raises(CheckpointError, match="knows, as many as YOLOv3-tiny with 80 classes"):
        read_partial(path)


def test_nothing_after_the_header(tmp_path: Path) -> None:
    path = sparse(tmp_path / "empty.conv.15", 0)
    with pytest.raises(CheckpointError, match="its 0 numbers are not the first convolutions"):
        read_partial(path)
    with pytest.raises(CheckpointError, match="there is nothing after the header"):
        read_partial(path, architecture("yolov3-tiny", 1, (3, 3)))


def test_a_backbone_of_another_network_is_named(tmp_path: Path) -> None:
    path = sparse(tmp_path / "darknet53.conv.74", DARKNET53_CONV_74)
    with pytest.raises(CheckpointError) as caught:
        read_partial(path, architecture("yolov3-tiny", 1, (3, 3)))
    assert caught.value.message == (
        f"{path}: it holds 40,620,640 numbers, as many as the backbone of YOLOv3 (darknet53.conv.74); "
        "YOLOv3-tiny with 1 class has 8,676,244."
    )


def test_a_part_whose_header_contradicts_its_version(tmp_path: Path) -> None:
    path = tmp_path / "yolov3-tiny.conv.15"
    numbers = weights_bytes(random_model())[HEADER_BYTES : HEADER_BYTES + 4 * TINY_CONV_15]
    path.write_bytes(struct.pack("<4i", 0, 2, 5, 0) + numbers)
    found = read_partial(path)
    assert len(found.convolutions) == 9
    assert found.arrays["backbone.conv1.norm.bias"].tobytes() == numbers[: 4 * 16]
    assert found.remarks[0].startswith(f"{path}: by its version, 0.2.5, the header has 8 bytes")
