"""Keras files that are damaged, foreign or hostile: headlab's own errors, which name the place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras_files import hollow, hollow_keras_3, with_anchors

from headlab.checkpoint.yolov3.companion_files import CompanionFiles
from headlab.checkpoint.yolov3.keras.checkpoint import read_keras
from headlab.checkpoint.yolov3.keras.headlab_group import write_description
from headlab.checkpoint.yolov3.keras.start import arrays_to_start_from
from headlab.errors import CheckpointError, HeadlabError
from yolov3_models import description

Change = Callable[[h5py.File], object]

KERNEL = "conv2d_2/conv2d_2/kernel:0"
SHAPE = (3, 3, 16, 32)


def replaced(place: str, make: Change) -> Change:
    def change(file: h5py.File) -> None:
        del file[place]
        make(file)

    return change


def attribute(place: str, key: str, value: object) -> Change:
    return lambda file: file[place].attrs.__setitem__(key, value)


def without_attribute(place: str, key: str) -> Change:
    return lambda file: file[place].attrs.__delitem__(key)


def renamed(place: str, key: str, old: str, new: str) -> Change:
    def change(file: h5py.File) -> None:
        names = [name.decode() for name in file[place].attrs[key]]
        file[place].attrs[key] = [new if name == old else name for name in names]

    return change


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(SHAPE, "<f4")
    layout[...] = h5py.VirtualSource("secret.h5", "data", SHAPE)
    file.create_virtual_dataset(KERNEL, layout)


def external(file: h5py.File) -> None:
    bytes_ = 4 * int(np.prod(SHAPE))
    file.create_dataset(KERNEL, SHAPE, "<f4", external=[("secret.bin", 0, bytes_)])


def own(described_text: object, variances: object = None) -> Change:
    def change(file: h5py.File) -> None:
        file["headlab/description"] = described_text
        if variances is not None:
            file["headlab/variances"] = variances

    return change


def own_of(variant: str, classes: int) -> Change:
    names = tuple(map(str, range(classes)))
    return lambda file: write_description(description(variant, names), file)


def own_with_variances(file: h5py.File) -> None:
    write_description(description(), file)
    file["headlab/variances"] = np.zeros(5, "<f4")


BAD: dict[str, tuple[Change, str]] = {
    "no layer names": (without_attribute("/", "layer_names"), "without the attribute layer_names"),
    "names that are numbers": (
        attribute("/", "layer_names", np.arange(44)),
        r"attribute 'layer_names' of '/' does not hold names",
    ),
    "names without a value": (
        attribute("/", "layer_names", h5py.Empty("S5")),
        "does not hold names",
    ),
    "far too many names": (
        lambda file: (
            file.attrs.__delitem__("layer_names"),
            file.attrs.create("layer_names", np.zeros(20_000, "S1")),
        ),
        "too long",
    ),
    "a layer that is not there": (
        renamed("/", "layer_names", "conv2d_2", "conv2d_99"),
        "'/' lacks 'conv2d_99'",
    ),
    "a layer without weight names": (
        without_attribute("conv2d_2", "weight_names"),
        "the layer 'conv2d_2' has no attribute weight_names",
    ),
    "a weight that is not there": (
        attribute("conv2d_2", "weight_names", [b"conv2d_2/nothing:0"]),
        r"'/conv2d_2/conv2d_2' lacks 'nothing:0'",
    ),
    "a weight that is a group": (
        replaced(KERNEL, lambda file: file.create_group(KERNEL)),
        r"kernel:0' is a group; an array was expected",
    ),
    "a layer that is an array": (
        replaced("conv2d_2", lambda file: file.create_dataset("conv2d_2", (3,), "<f4")),
        r"'/conv2d_2' is an array; a group of arrays was expected",
    ),
    "a weight inside an array": (
        attribute("conv2d_2", "weight_names", [b"conv2d_2/kernel:0/more"]),
        "kernel:0' is an array",
    ),
    "whole numbers": (
        replaced(KERNEL, lambda file: file.create_dataset(KERNEL, SHAPE, "<i4")),
        "kernel:0' holds int32; floating-point numbers were expected",
    ),
    "records": (
        replaced(KERNEL, lambda file: file.create_dataset(KERNEL, SHAPE, [("a", "<f4")])),
        "floating-point numbers were expected",
    ),
    "nothing": (
        replaced(KERNEL, lambda file: file.create_dataset(KERNEL, data=h5py.Empty("<f4"))),
        "kernel:0' is empty",
    ),
    "a soft link": (
        replaced(KERNEL, lambda file: file.__setitem__(KERNEL, h5py.SoftLink("/conv2d_1"))),
        "is a link to another place or file",
    ),
    "a dangling link": (
        replaced(KERNEL, lambda file: file.__setitem__(KERNEL, h5py.SoftLink("/nowhere"))),
        "is a link to another place or file",
    ),
    "objects": (
        replaced(KERNEL, lambda file: file.create_dataset(KERNEL, (3,), h5py.string_dtype())),
        "kernel:0' holds object; floating-point numbers were expected",
    ),
    "complex numbers": (
        replaced(KERNEL, lambda file: file.create_dataset(KERNEL, SHAPE, "<c8")),
        "kernel:0' holds complex64; floating-point numbers were expected",
    ),
    "an array without bytes for its shape": (
        replaced(KERNEL, lambda file: file.create_dataset(KERNEL, (3, 3, 16, 10**9), "<f4")),
        "claims 576,000,000,000 bytes",
    ),
    "a link to another file": (
        replaced(
            "conv2d_2", lambda file: file.__setitem__("conv2d_2", h5py.ExternalLink("x.h5", "/"))
        ),
        "'conv2d_2' in '/' is a link to another place or file",
    ),
    "an array in another file": (replaced(KERNEL, external), "kernel:0' is in another file"),
    "a virtual array": (replaced(KERNEL, virtual), "kernel:0' is in another file"),
    "a dense layer": (
        replaced(KERNEL, lambda file: file.create_dataset(KERNEL, (8, 4), "<f4")),
        r"the layer 'conv2d_2' has arrays of shape \(8, 4\); YOLOv3 has no such layer",
    ),
    "another kernel": (
        replaced(KERNEL, lambda file: file.create_dataset(KERNEL, (3, 3, 16, 33), "<f4")),
        r"'conv2d_2' has arrays of shape \(3, 3, 16, 33\); \(3, 3, 16, 32\) was expected",
    ),
    "a huge kernel": (
        replaced(
            KERNEL, lambda file: file.create_dataset(KERNEL, (2**20,) * 4, "<f4", chunks=(1,) * 4)
        ),
        r"kernel:0' claims 4,835,703,278,458,516,698,824,704 bytes with its shape .* cannot hold them",
    ),
    "a layer twice": (
        renamed("/", "layer_names", "leaky_re_lu_1", "conv2d_1"),
        "14 convolutions",
    ),
    "a description that is a group": (
        lambda file: file.create_group("headlab/description"),
        "is a group; an array was expected",
    ),
    "a description of floats": (own(np.zeros(5)), "does not hold headlab's description"),
    "an empty description": (own(np.zeros(0, np.uint8)), "does not hold headlab's description"),
    "a description that is no JSON": (own(np.full(5, 255, np.uint8)), "is not JSON"),
    "a description of more classes": (
        own_of("yolov3-tiny", 4),
        r"says yolov3-tiny with outputs of \(27, 27\) rows; .* yolov3-tiny with \(24, 24\)",
    ),
    "a description of another network": (own_of("yolov3", 3), "says yolov3 with outputs"),
    "variances of another count": (own_with_variances, r"variances' has shape \(5,\)"),
    "a group that is a link": (
        lambda file: file.__setitem__("headlab", h5py.ExternalLink("x.h5", "/")),
        "'headlab' in '/' is a link",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_refused_with_the_place(kind: str, tmp_path: Path) -> None:
    change, message = BAD[kind]
    path = hollow(tmp_path / "model.h5")
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(CheckpointError, match=message) as caught:
        read_keras(path, CompanionFiles())
    assert caught.value.message.startswith(f"{path}: ")
    assert caught.value.hint


def test_a_secret_beside_the_file_is_not_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as secret:
        secret.create_dataset("conv2d_2/kernel:0", SHAPE, "<f4", fillvalue=7)
    path = hollow(tmp_path / "model.h5")
    with h5py.File(path, "r+") as file:
        del file["conv2d_2/conv2d_2"]
        file["conv2d_2/conv2d_2"] = h5py.ExternalLink("x.h5", "/conv2d_2")
        assert file[KERNEL][0, 0, 0, 0] == 7  # HDF5 itself would follow it
    with pytest.raises(CheckpointError, match="is a link to another place or file"):
        read_keras(path, CompanionFiles())
    with pytest.raises(CheckpointError, match="is a link to another place or file"):
        arrays_to_start_from(path, description().architecture)


MISSING: list[tuple[str, tuple[str, ...], str]] = [
    ("yolov3-tiny", ("conv2d_4",), "12 convolutions"),
    ("yolov3-tiny", ("batch_normalization_4",), r"10 layers .* 11 .*: batch_normalization_4"),
    ("yolov3", tuple(f"conv2d_{at}" for at in range(53, 76)), "Darknet-53 alone, without a head"),
    ("yolov3-tiny", tuple(f"conv2d_{at}" for at in range(8, 14)), "backbone of YOLOv3-tiny alone"),
]


@pytest.mark.parametrize(("variant", "without", "message"), MISSING)
def test_missing_layers_are_counted(
    variant: str, without: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    path = hollow(tmp_path / "model.h5", description(variant), without=without)
    with pytest.raises(CheckpointError, match=message):
        read_keras(path, CompanionFiles())


def test_a_number_too_large_for_float32(tmp_path: Path) -> None:
    path = hollow(tmp_path / "model.h5", dtype="<f8")
    with h5py.File(path, "r+") as file:
        file["conv2d_10/conv2d_10/bias:0"][3] = 1e300
    model = read_keras(path, CompanionFiles())
    with pytest.raises(CheckpointError, match=r"bias:0' holds numbers too large for float32"):
        model.array("P5.output.bias")


def test_a_gap_in_the_variables_of_keras_3(tmp_path: Path) -> None:
    path = hollow_keras_3(tmp_path / "model.weights.h5")
    with h5py.File(path, "r+") as file:
        del file["layers/batch_normalization_1/vars/1"]
    with pytest.raises(CheckpointError, match=r"batch_normalization_1/vars' lacks '1'"):
        arrays_to_start_from(path, description().architecture)


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n", b"\x89HDF\r\n\x1a\n" * 500, b"PK"])
def test_what_is_no_hdf5(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "モデル.h5"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"モデル\.h5: a damaged HDF5 file"):
        read_keras(path, CompanionFiles())


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"absent\.h5: No such file"):
        read_keras(tmp_path / "absent.h5", CompanionFiles())
    with pytest.raises(CheckpointError, match="Is a directory"):
        read_keras(tmp_path, CompanionFiles())


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hollow(tmp_path_factory.mktemp("sound") / "model.h5")


@settings(max_examples=40, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_cut_file_gives_only_headlab_errors(share: float, sound: Path) -> None:
    data = sound.read_bytes()
    cut = with_anchors(sound.with_name("cut.h5"))
    cut.write_bytes(data[: int(share * len(data))])
    with pytest.raises(CheckpointError):
        read_keras(cut, CompanionFiles())


@settings(max_examples=60, deadline=None)
@given(flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), min_size=1))
def test_flipped_bits_give_only_headlab_errors(flips: list[tuple[float, int]], sound: Path) -> None:
    data = bytearray(sound.read_bytes())
    filled = [at for at, byte in enumerate(data) if byte]  # the rest is unused space
    for share, bit in flips:
        data[filled[int(share * len(filled))]] ^= 1 << bit
    flipped = with_anchors(sound.with_name("flipped.h5"))
    flipped.write_bytes(data)
    try:
        model = read_keras(flipped, CompanionFiles())
        for name in ("P5.output.bias", "backbone.conv1.conv.weight"):
            model.array(name)
        arrays_to_start_from(flipped, model.description.architecture)
    except HeadlabError as error:
        str(error).encode("utf-8")
