"""Anchors read from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from headlab.errors import InputError
from headlab.heads.anchor_files import read_anchor_set
from headlab.heads.anchor_set import anchor_set

STOCK = "10,13,  16,30,  33,23,  30,61,  62,45,  59,119,  116,90,  156,198,  373,326"


def test_keras_yolo3s_file(tmp_path: Path) -> None:
    path = tmp_path / "anchors.txt"
    path.write_text(STOCK)
    found = read_anchor_set(path)
    assert found.wh[0].tolist() == [10, 13]
    assert found.masks == ((6, 7, 8), (3, 4, 5), (0, 1, 2))
    assert found.levels.names == ("P3", "P4", "P5")


def test_six_anchors_have_the_tiny_networks_masks(tmp_path: Path) -> None:
    path = tmp_path / "tiny.txt"
    path.write_text("10,14, 23,27, 37,58, 81,82, 135,169, 344,319")
    found = read_anchor_set(path)
    assert found.masks == ((3, 4, 5), (0, 1, 2))
    assert found.levels.strides_px == (16, 32)
    assert found.levels_with(3) == (1,)
    assert found.levels_with(0) == (0,)
    assert not found.masks_said


@pytest.mark.parametrize(
    ("net", "resize"),
    [("", None), ("letter_box=0\n", "stretch"), ("letter_box = 1\n", "letterbox")],
)
def test_a_cfg_says_how_photos_are_resized(net: str, resize: str | None, tmp_path: Path) -> None:
    path = tmp_path / "a.cfg"
    path.write_text(f"[net]\nwidth=608\nheight=320\n{net}[yolo]\nmask=0\nanchors=10,13\n")
    assert read_anchor_set(path).resize == resize
    assert read_anchor_set(path).input_hw == (320, 608)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f'{{"anchors": [[1{"0" * 400}, 2]]}}', "the anchors are not pairs of numbers"),
        ('{"anchors": [[1e999, 2]]}', "not all anchors are sizes above 0"),
        (
            f'{{"anchors": [[3, 2]], "input_hw": [1{"0" * 400}, 2]}}',
            "input_hw is no height and width",
        ),
        ('{"anchors": [[3, 2]], "input_hw": "416"}', "input_hw is no height and width"),
    ],
)
def test_numbers_that_are_no_sizes_are_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "anchors.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_anchor_set(path)


def test_shares_of_the_input_are_no_pixels() -> None:
    with pytest.raises(
        InputError, match=r"the largest side is 0\.75: these are shares of the input"
    ) as caught:
        anchor_set([[0.05, 0.08], [0.75, 0.63]]).check_pixels()
    assert "Multiply the widths by the input's width" in caught.value.hint
    anchor_set([[0.5, 1.5]]).check_pixels()  # odd, but pixels


def test_a_real_cfg(shared: Path) -> None:
    found = read_anchor_set(shared / "weights" / "yolov3-tiny.cfg")
    assert len(found) == 6
    assert found.masks == ((3, 4, 5), (0, 1, 2))
    assert found.levels.names == ("P4", "P5")
    assert found.input_hw == (416, 416)


CFG = """[net]
width=64
height=32
[convolutional]
stride=2
[convolutional]
stride=2
[convolutional]
stride=2
[yolo]
mask=0,1
anchors=1,2, 3,4, 5,6
num=3
[route]
layers=-2
[maxpool]
stride=2
[yolo]
mask=2
anchors=1,2, 3,4, 5,6
num=3
"""


def test_strides_are_followed_through_the_layers(tmp_path: Path) -> None:
    path = tmp_path / "fine_first.cfg"
    path.write_text(CFG)
    found = read_anchor_set(path)
    assert found.levels.strides_px == (8, 16)
    assert found.by_level == ((0, 1), (2,))
    assert found.input_hw == (32, 64)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "{", r"a\.json, line 1: not JSON"),
        ("a.json", "[]", "no key 'anchors'"),
        ("a.yaml", "anchors: [", r"a\.yaml, line 1: not YAML"),
        ("a.yaml", "anchors: [[1, 2], [3]]", "not pairs of numbers"),
        ("a.yaml", "anchors: [[1, x]]", "not pairs of numbers"),
        ("a.yaml", "anchors: [[1, -2]]", "not all anchors are sizes above 0"),
        ("a.yaml", "anchors: []", "not all anchors are sizes above 0"),
        ("a.yaml", "anchors: [[1, 2]]\nmasks: [[1]]", "do not fit 1 anchors"),
        ("a.yaml", "anchors: [[1, 2]]\nmasks: 3", "masks is not a list"),
        ("a.yaml", "anchors: [[1, 2]]\nmasks: [[0]]\nstrides: [8, 16]", "strides do not fit"),
        ("a.cfg", "[net]\nwidth=3\n", r"no \[yolo\] section"),
        ("a.cfg", "[net]\n[yolo]\nmask=0\n", "anchors= is missing"),
        ("a.cfg", "[net]\n[yolo]\nanchors=1,2,3\n", "not pairs"),
        ("a.cfg", "[net]\n[yolo]\nanchors=1,x\n", "is not a number"),
        ("a.cfg", "[net]\n[yolo]\nmask=5\nanchors=1,2\n", "do not fit 1 anchors"),
        ("a.cfg", "[net]\n[yolo]\nanchors=1,2\n[yolo]\nanchors=1,3\n", "differs"),
        ("a.txt", "1,2,3", "no height"),
        ("a.txt", "", "empty"),
    ],
)
def test_bad_files(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_anchor_set(path)
    assert str(path) in caught.value.message


@pytest.mark.parametrize("name", ["none.yaml", "none.txt", "none.cfg"])
def test_a_missing_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=name):
        read_anchor_set(tmp_path / name)


def test_one_and_two_anchors_have_as_many_levels() -> None:
    assert anchor_set([10, 20]).masks == ((0,),)
    assert anchor_set([[10, 20], [30, 40]]).masks == ((1,), (0,))
