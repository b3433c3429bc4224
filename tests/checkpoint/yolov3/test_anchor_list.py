"""Anchors as people's files have them."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headlab.checkpoint.yolov3.anchor_list import anchors_text, read_anchors
from headlab.errors import CheckpointError, HeadlabError, InputError


def written(tmp_path: Path, data: bytes | str) -> Path:
    path = tmp_path / "list.txt"
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
    return path


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf \r\n"])
def test_no_anchors_at_all(tmp_path: Path, data: bytes) -> None:
    path = written(tmp_path, data)
    with pytest.raises(CheckpointError, match="the file is empty"):
        read_anchors(path)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder, not a file"):
        read_anchors(tmp_path)


ANCHORS = ((10.0, 13.0), (16.0, 30.0), (33.0, 23.5))


@pytest.mark.parametrize(
    "data",
    [
        "10,13,  16,30,  33,23.5",
        "10,13, 16,30, 33,23.5,\n",
        "\ufeff10,13\r\n16,30\r\n33,23.5\r\n\r\n",
        "10,13,\n16,30,\n33,23.5,\n",
        "10 13  16 30\r33 2.35e1",
        "10.,13.0, 16,30,33,+23.5",
    ],
)
def test_anchors_on_one_line_or_several(tmp_path: Path, data: str) -> None:
    assert read_anchors(written(tmp_path, data)) == ANCHORS


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("10,13\n16,x3", "line 2: 'x3' is not a number."),
        ("10,13,nan,5", "line 1: 'nan' is not a number."),
        ("10,13,inf,5", "line 1: 'inf' is not a number."),
        ("10,1_3", "line 1: '1_3' is not a number."),
        ("10,1e999", "line 1: '1e999' is not a number."),
        ("10,13\n\n-16,30", "line 3: '-16' is not a size in pixels: it must be above 0."),
        ("0,13", "line 1: '0' is not a size in pixels: it must be above 0."),
        (
            "10,13,\n16,30,33\n\n",
            "line 2: there are 5 numbers, so the last width, 33, has no height.",
        ),
        ("10,,13", "line 1: a number is missing next to the comma, at number 2."),
        ("10,13、16,30", "line 1: '13、16' is not a number."),
        ("10,\x1b[31m", r"line 1: '\x1b[31m' is not a number."),
    ],
)
def test_anchors_that_are_none(tmp_path: Path, data: str, said: str) -> None:
    path = written(tmp_path, data)
    with pytest.raises(CheckpointError) as caught:
        read_anchors(path)
    assert caught.value.message.startswith(str(path))
    assert caught.value.message.endswith(said)
    assert caught.value.hint.startswith("Write widths and heights in input pixels: 10,13,  16,30")


def test_anchors_are_written_as_keras_yolo3_reads_them() -> None:
    text = anchors_text(((10, 13), (16.25, 1e-3), (1 / 3, 100000.0)))
    assert text == "10,13,  16.25,0.001,  0.3333333333333333,100000\n"
    # keras-yolo3: [float(x) for x in f.readline().split(',')]
    assert [float(x) for x in text.split(",")] == [10, 13, 16.25, 1e-3, 1 / 3, 100000]


SIZE = st.floats(min_value=1e-6, max_value=1e6)


@given(st.lists(st.tuples(SIZE, SIZE), min_size=1, max_size=9))
def test_anchors_are_read_back_as_written(
    tmp_path_factory: pytest.TempPathFactory, anchors: list[tuple[float, float]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "anchors.txt"
    path.write_text(anchors_text(anchors), "utf-8")
    assert read_anchors(path) == tuple(anchors)


@given(
    st.one_of(st.binary(max_size=40), st.text("0123456789.,-+einf \r\n#x\ufeffあ").map(str.encode))
)
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_bytes(data)
    with contextlib.suppress(HeadlabError):
        assert all(0 < size <= 1e6 for anchor in read_anchors(path) for size in anchor)
