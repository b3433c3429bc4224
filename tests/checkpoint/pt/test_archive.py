"""Files that are no sound checkpoint: the message names the file, what is wrong and what to do next."""

from __future__ import annotations

import contextlib
import os
import pickle
import random
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pickles import checkpoint, convolution, detector, floats, mapped, stream, tensor, text, zipped

import models
from headlab.checkpoint.pt.archive import open_archive
from headlab.checkpoint.pt.checkpoint import read
from headlab.errors import CheckpointError, UnsupportedHead
from headlab.families.identify import identify
from unprivileged import as_nobody


def sound() -> bytes:
    return checkpoint(detector(convolution("c", 2), convolution("c", 2)))


def read_whole(path: Path) -> None:
    opened = read(path)
    for name in opened.tensors:
        opened.array(name)
    identify(opened)


def refusal(path: Path) -> CheckpointError:
    with pytest.raises(CheckpointError) as raised:
        read_whole(path)
    assert str(path) in raised.value.message
    assert raised.value.hint
    return raised.value


def test_a_sound_file_made_by_hand_is_read(tmp_path: Path) -> None:
    layout = identify(read(zipped(tmp_path / "x.pt", sound())))
    assert layout.level_names == ("P3", "P4")
    assert layout.class_names == ("ant", "bee")


def test_missing(tmp_path: Path) -> None:
    error = refusal(tmp_path / "absent.pt")
    assert "no such file" in error.message
    assert "headlab downloads nothing" in error.hint


def test_folder(tmp_path: Path) -> None:
    error = refusal(tmp_path)
    assert "is a folder; a model file was expected" in error.message
    assert "the model file inside it" in error.hint


def test_a_path_through_a_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"")
    error = refusal(tmp_path / "x" / "best.pt")
    assert "cannot be read: Not a directory" in error.message


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    assert "cannot be read: File name too long" in refusal(tmp_path / ("x" * 300)).message


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pt")
    with pytest.raises(CheckpointError, match="is not a regular file"):
        read(tmp_path / "pipe.pt")


def test_unreadable(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.pt", sound())
    path.chmod(0)
    tmp_path.chmod(0o755)
    said = as_nobody(tmp_path, lambda: read(path))
    assert said.splitlines() == [
        f"{path}: cannot be read: Permission denied.",
        "Check the path and its permissions.",
    ]


def test_empty(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    path.write_bytes(b"")
    assert "the file is empty" in refusal(path).message


def test_not_a_zip(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    path.write_text("<html>404</html>")
    error = refusal(path)
    assert "not a zip archive" in error.message
    assert "YOLOv8 and later" in error.hint


def test_the_tar_format_of_early_pytorch(tmp_path: Path) -> None:
    (tmp_path / "pickle").write_bytes(pickle.dumps({}, 2))
    with tarfile.open(tmp_path / "x.pt", "w") as archive:
        archive.add(tmp_path / "pickle", "pickle")
    error = refusal(tmp_path / "x.pt")
    assert "the format of PyTorch before 1.6" in error.message
    assert "load it with torch.load and save it again" in error.hint


def test_the_pickle_format_before_1_6(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    torch.save({"model": torch.ones(2)}, path, _use_new_zipfile_serialization=False)
    assert "the format of PyTorch before 1.6" in refusal(path).message


@pytest.mark.filterwarnings("ignore:.torch.jit:FutureWarning")
def test_torchscript(tmp_path: Path) -> None:
    path = tmp_path / "x.torchscript.pt"
    torch.jit.trace(torch.nn.Linear(2, 2), torch.ones(1, 2)).save(str(path))
    error = refusal(path)
    assert "this zip archive is a TorchScript export" in error.message
    assert "best.pt" in error.hint


def test_another_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.pt", "w") as archive:
        archive.writestr("photos/a.jpg", b"")
    assert "this zip archive is not a checkpoint" in refusal(tmp_path / "x.pt").message


def test_a_zip_with_several_folders(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.pt", sound(), extra={"other/data.pkl": b""})
    assert "keeps all entries in one folder; this archive has 2" in refusal(path).message


@pytest.mark.parametrize("nested", [False, True])
def test_state_dict_only(nested: bool, tmp_path: Path) -> None:
    weights = models.build("yolov3-tiny", awake=False).state_dict()
    torch.save({"model": weights} if nested else weights, tmp_path / "x.pt")
    error = refusal(tmp_path / "x.pt")
    assert "holds a state dict: weights without the network they belong to" in error.message
    assert "best.pt or last.pt" in error.hint


@pytest.mark.parametrize("value", [mapped({}), text("x"), b"]", mapped({"model": text("x")})])
def test_no_model(value: bytes, tmp_path: Path) -> None:
    error = refusal(zipped(tmp_path / "x.pt", stream(value)))
    assert "holds no model (neither `ema` nor `model` is a network)" in error.message


def test_big_endian(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.pt", sound(), byteorder=b"big")
    assert "written on a big-endian machine" in refusal(path).message


def test_missing_entry(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.pt", sound(), {"stride": floats(8, 16)})
    error = refusal(path)
    assert "the archive has no entry archive/data/c" in error.message
    assert "incomplete" in error.hint


def test_corrupted_byte(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.pt", sound())
    data = bytearray(path.read_bytes())
    data[open_archive(path).entry("data/c").start + 5] ^= 1
    path.write_bytes(data)
    error = refusal(path)
    assert "the bytes of archive/data/c do not match their checksum" in error.message
    assert "copy or download it again" in error.hint


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicate_entries(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.pt", sound(), extra={"archive/data/c": b"other"})
    assert "the archive has two entries 'archive/data/c'" in refusal(path).message


def test_overlapping_entries(tmp_path: Path) -> None:
    """The directory's last header (archive/version) is made to point at the first (archive/data.pkl)."""
    path = zipped(tmp_path / "x.pt", sound())
    with zipfile.ZipFile(path) as archive:
        first = archive.infolist()[0]
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    struct.pack_into("<III", data, at + 16, first.CRC, first.file_size, first.file_size)
    struct.pack_into("<I", data, at + 42, 0)
    path.write_bytes(data)
    assert "'archive/data.pkl' and 'archive/version' overlap" in refusal(path).message


def test_encrypted_entry(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.pt", sound())
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    path.write_bytes(data)
    assert "the entry 'archive/data.pkl' is encrypted" in refusal(path).message


@given(share=st.floats(0, 1, exclude_max=True))
@settings(max_examples=60, deadline=None)
def test_truncated_anywhere(share: float, small: Callable[..., Path]) -> None:
    whole = small("yolov3-tiny").read_bytes()
    cut = small("yolov3-tiny").with_name("cut.pt")
    cut.write_bytes(whole[: int(share * len(whole))])
    refusal(cut)


@given(share=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
@settings(max_examples=100, deadline=None)
def test_a_wrong_byte_in_the_directory_raises_nothing_else(
    share: float, byte: int, small: Callable[..., Path]
) -> None:
    path = small("yolov3-tiny")
    data = bytearray(path.read_bytes())
    start = data.index(b"PK\x01\x02")
    data[start + int(share * (len(data) - start))] = byte
    wrong = path.with_name("wrong.pt")
    wrong.write_bytes(data)
    try:
        read_whole(wrong)
    except CheckpointError as error:
        assert str(wrong) in error.message  # noqa: PT017 - some wrong bytes change nothing that is read


CONTRADICTIONS = {
    "bias missing": (
        detector(convolution("c", 2), convolution("c", 2, bias=False)),
        "model.0.cv3.1.2.bias is missing",
    ),
    "levels disagree": (
        detector(convolution("c", 2), convolution("c", 3)),
        "the levels disagree on the number of classes: [2, 3]",
    ),
    "names missing": (
        detector(convolution("c", 3), convolution("c", 3)),
        "the head has rows for 3 classes, but the file names 2",
    ),
    "stride missing": (
        detector(convolution("c", 2), convolution("c", 2), strides=None),
        "the head's strides are missing; different powers of two up to 1024 were expected",
    ),
    "strides not computed": (
        detector(convolution("c", 2), convolution("c", 2), strides=tensor("zeros", (2,))),
        "the head's strides are [0.0, 0.0]",
    ),
    "strides of no number": (
        detector(convolution("c", 2), convolution("c", 2), strides=tensor("odd", (2,))),
        "the head's strides are [nan, inf]",
    ),
    "strides equal": (
        detector(convolution("c", 2), convolution("c", 2), strides=tensor("same", (2,))),
        "the head's strides are [8.0, 8.0]",
    ),
    "strides too few": (
        detector(convolution("c", 2)),
        "the head has 2 strides, but class branches for 1 levels",
    ),
    "branch without convolution": (
        detector(tensor("c", (2,)), convolution("c", 2)),
        "model.0.cv3.0.weight is missing",
    ),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_files_that_contradict_themselves(name: str, tmp_path: Path) -> None:
    network, message = CONTRADICTIONS[name]
    storages = {
        "c": floats(*range(16)),
        "stride": floats(8, 16),
        "zeros": floats(0, 0),
        "odd": floats(float("nan"), float("inf")),
        "same": floats(8, 8),
    }
    error = refusal(zipped(tmp_path / "x.pt", checkpoint(network), storages))
    assert message in error.message


@given(chance=st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_a_mutated_checkpoint_raises_nothing_else(
    chance: random.Random, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Bytes changed, dropped or copied elsewhere, with checksums that are right."""
    whole = sound()
    data = bytearray(whole)
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(data))
        other = chance.randrange(len(whole))
        data[at : at + chance.randrange(20)] = whole[other : other + chance.randrange(20)]
    path = zipped(tmp_path_factory.getbasetemp() / "mutated.pt", bytes(data))
    with contextlib.suppress(CheckpointError, UnsupportedHead), warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # pickletools on odd escapes in old texts
        read_whole(path)
