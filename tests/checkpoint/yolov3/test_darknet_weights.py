"""The header and the numbers of a `.weights` file."""

from __future__ import annotations

import contextlib
import hashlib
import json
import struct
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from darknet_files import HEADER_BYTES, weights_bytes
from hypothesis import given
from hypothesis import strategies as st

from headlab.checkpoint.yolov3.architecture import Architecture
from headlab.checkpoint.yolov3.darknet.weights import Header, laid_out, open_weights
from headlab.checkpoint.yolov3.in_memory import in_memory
from headlab.checkpoint.yolov3.layer_graphs import architecture
from headlab.errors import CheckpointError, HeadlabError
from yolov3_models import description, random_model

LONG = struct.Struct("<3iq")
SHORT = struct.Struct("<3ii")


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "net.weights"
    path.write_bytes(data)
    return path


# seen is long if major * 10 + minor >= 2 and both are below 1000.
@pytest.mark.parametrize(
    ("version", "seen_bytes"),
    [
        ((0, 1, 0), 4),
        ((0, 2, 0), 8),
        ((0, 2, 5), 8),
        ((1, 0, 0), 8),
        ((0, 999, 0), 8),
        ((0, 1000, 0), 4),
        ((1000, 0, 0), 4),
        ((999, 0, 0), 8),
    ],
)
def test_header_versions(tmp_path: Path, version: tuple[int, int, int], seen_bytes: int) -> None:
    data = (LONG if seen_bytes == 8 else SHORT).pack(*version, 12345)
    found = open_weights(written(tmp_path, data + struct.pack("<2f", 1.5, -2)))
    assert found.header == Header(version, 12345)
    assert found.header.to_bytes() == data
    assert found.floats == 2
    assert found.read(2).tolist() == [1.5, -2]
    assert found.read(1, first=1).tolist() == [-2]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "0 bytes are too few for the header"),
        (b"\0" * 11, "11 bytes are too few for the header"),
        (LONG.pack(0, 2, 0, 1)[:19], "the file ends within its header"),
        (SHORT.pack(0, 1, 0, 1)[:15], "the file ends within its header"),
        (
            LONG.pack(0, 2, 0, 1) + b"\0" * 7,
            "the file ends within a number: 3 bytes follow the last whole",
        ),
        (b"oid sha256:4d7a214614", r"it begins with b'oid sha256:4' instead of a version"),
        (b"<!DOCTYPE html>", "this is a web page, not a darknet file"),
        (b"version https://git-lfs.github.com/spec/v1", "this is a pointer of Git LFS"),
        (b"PK\x03\x04" + bytes(30), "this is a zip archive"),
        (LONG.pack(-1, 2, 0, 1), "this is not a darknet file"),
    ],
)
def test_what_is_no_weights_file(tmp_path: Path, data: bytes, said: str) -> None:
    path = written(tmp_path, data)
    with pytest.raises(CheckpointError) as caught:
        open_weights(path)
    assert caught.value.message.startswith(f"{path}: ")
    assert said in caught.value.message
    assert "again" in caught.value.hint or "Unpack" in caught.value.hint


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"absent\.weights: cannot be read: No such file"):
        open_weights(tmp_path / "absent.weights")


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, LONG.pack(0, 2, 0, 1) + bytes(40))
    found = open_weights(path)
    path.write_bytes(LONG.pack(0, 2, 0, 1) + bytes(36))
    with pytest.raises(CheckpointError, match="became shorter while it was read"):
        found.read(10)
    path.unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        found.read(10)


@pytest.mark.parametrize(
    "header", [Header((0, 2, 0), 1 << 64), Header((0, 1, 0), 1 << 32), Header((0, 1 << 31, 0), 0)]
)
def test_numbers_that_do_not_fit_a_header(header: Header) -> None:
    with pytest.raises(CheckpointError, match=r"do not fit the header of a \.weights file"):
        header.to_bytes()


@pytest.mark.parametrize(("kind", "variant"), [("tiny", "yolov3-tiny"), ("full", "yolov3")])
def test_where_the_tensors_lie_as_in_the_original(shared: Path, kind: str, variant: str) -> None:
    order = json.loads((shared / "golden" / "convert_darknet_order.json").read_text())
    network = architecture(variant, 80, [3] * (2 if kind == "tiny" else 3))
    places, floats = laid_out(network.convolutions)
    assert floats == order[kind]["total_floats"] == network.floats
    expected, found = order[kind]["convs"], network.convolutions
    assert len(found) == len(expected)
    for mine, its in zip(found, expected, strict=True):
        start, *_, kernel = (places[name] for name in mine.darknet_order)
        assert kernel.tensor.shape == tuple(its["darknet_kernel_oihw"])
        assert (start.first, kernel.end) == (its["float_offset"], its["float_end"])


def recipe(network: Architecture) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
    """The weights of the golden data's recipe, with gain 1."""
    stream = np.random.RandomState(0)
    drawn: dict[str, np.ndarray[Any, np.dtype[np.float64]]] = {}
    for each in network.convolutions:
        count, fan_in = each.out_channels, each.size**2 * each.in_channels
        hwio = stream.standard_normal((each.size, each.size, each.in_channels, count))
        drawn[each.weight] = (hwio * np.sqrt(1 / fan_in)).transpose(3, 2, 0, 1)
        if each.batch_norm:
            drawn[each.scale] = stream.uniform(0.5, 1.5, count)
            drawn[each.bias] = stream.standard_normal(count) * 0.1
            drawn[each.mean] = stream.standard_normal(count) * 0.1
            drawn[each.variance] = stream.uniform(0.5, 1.5, count)
        else:
            drawn[each.bias] = stream.standard_normal(count) * 0.1
    return {name: numbers.astype(np.float32) for name, numbers in drawn.items()}


def test_a_written_file_equals_the_originals(shared: Path) -> None:
    order = json.loads((shared / "golden" / "convert_darknet_order.json").read_text())
    described = description(class_names=tuple(map(str, range(80))))
    model = in_memory(replace(described, seen=12345), recipe(described.architecture))
    data = weights_bytes(model)
    expected = order["tiny"]["synthetic_weights_file"]
    assert len(data) == expected["bytes"]
    assert hashlib.sha256(data).hexdigest() == expected["sha256"]


def test_all_numbers_lie_in_one_block(tmp_path: Path) -> None:
    model = random_model()
    network = model.description.architecture
    found = open_weights(written(tmp_path, weights_bytes(model))).read_all(network.convolutions)
    assert list(found) == [name for each in network.convolutions for name in each.darknet_order]
    for name, numbers in found.items():
        np.testing.assert_array_equal(numbers, model.array(name))
        assert numbers.dtype == np.float32
        assert numbers.base is found["P5.output.weight"].base


def test_numbers_that_are_not_finite_are_kept(tmp_path: Path) -> None:
    model = random_model()
    odd = np.array([np.nan, np.inf, -np.inf] * 8, np.float32)
    data = weights_bytes(model.edited({"P5.output.bias": odd}))
    found = open_weights(written(tmp_path, data)).read_all(
        model.description.architecture.convolutions
    )
    np.testing.assert_array_equal(found["P5.output.bias"], odd)


def test_numbers_of_another_dtype_are_written_as_float32() -> None:
    model = random_model()
    bias = model.array("P5.output.bias").astype(np.float64)
    assert weights_bytes(model.edited({"P5.output.bias": bias})) == weights_bytes(model)
    with pytest.raises(
        CheckpointError, match=r"P5\.output\.bias: a value of 1e\+300 does not fit float32"
    ):
        weights_bytes(model.edited({"P5.output.bias": bias * 0 + 1e300}))


def test_shapes_that_do_not_fit_the_classes_are_refused() -> None:
    model = random_model().edited({}, ("ant", "bee"))
    with pytest.raises(
        CheckpointError, match=r"P5\.output\.weight has shape \(24, 512, 1, 1\); 2 classes"
    ):
        weights_bytes(model)


@given(
    st.one_of(
        st.binary(max_size=40),
        st.builds(
            lambda version, rest: struct.pack("<3i", *version) + rest,
            st.tuples(*[st.integers(-2, 1001)] * 3),
            st.binary(max_size=20),
        ),
    )
)
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.weights"
    path.write_bytes(data)
    with contextlib.suppress(HeadlabError):
        found = open_weights(path)
        start = found.header.to_bytes()
        assert start + BytesIO(found.read(found.floats)).getvalue() == data


def test_the_header_of_this_files_helper() -> None:
    assert weights_bytes(random_model())[:HEADER_BYTES] == LONG.pack(0, 2, 0, 0)
