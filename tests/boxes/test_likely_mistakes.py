"""When most labels are wrong in the same way, the likeliest mistake is named once, with the remedy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from small_photos import MakePhoto

from headlab.boxes import check, read
from headlab.boxes.table import WRONG_COLUMNS, Problem
from headlab.errors import InputError


@pytest.fixture
def data(tmp_path: Path, photo: MakePhoto) -> Path:
    photo("images/a.png", 100, 80)
    (tmp_path / "labels").mkdir()
    (tmp_path / "data.yaml").write_text("train: images\nval: images\nnames: [cat, dog]\n")
    return tmp_path


def mistakes(data: Path, *lines: str) -> list[Problem]:
    (data / "labels/a.txt").write_text("".join(f"{line}\n" for line in lines))
    return [problem for problem in read(data).problems if problem.kind == WRONG_COLUMNS]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        # as x, y, w, h the last four of the first line reach from 0.4 to 0.6; the first four from 0.65
        (("0 0.9 0.5 0.5 0.2 0.4", "1 0.8 0.3 0.4 0.2 0.2"), "The second of six numbers is a conf"),
        (("0 0.5 0.5 0.2 0.4 0.9", "1 0.3 0.4 0.2 0.2 0.8"), "The last of six numbers is a conf"),
        (("0 0.5 0.5 0.2 0.2 0.3", "1 0.5 0.5 0.2 0.3 0.3"), "one of which may be a confidence"),
        (("0,0.5,0.5,0.2,0.4",), "separated by commas"),
        (("cat 0.5 0.5 0.2 0.4", "traffic light 0.3 0.4 0.2 0.2"), "begin with a word"),
        (("0.5 0.5 0.2 0.4 0", "0.3 0.4 0.2 0.2 1"), "The class comes last"),
        (("0 50 40 20 32",), "pixels or percent"),
        # corners: as centre and size the first would reach from 0.6 - 0.45 to 0.6 + 0.45 = 1.05
        (("0 0.6 0.6 0.9 0.9", "1 0.1 0.1 0.4 0.5"), "were x1, y1, x2, y2"),
        # upper left corner: as a centre the second would reach from 0.0 - 0.1
        (("0 0.1 0.1 0.4 0.05", "1 0.0 0.2 0.2 0.2"), "upper left corner, width and height"),
        (("0 0.5 0.5 0.2 0.4 " + "0.5 0.5 2 " * 17,), r"kpt_shape: \[17, 3\]"),
        (("0 0.5 0.5 0.2 0.4 0.5 0.5 2 0.4 0.4 1",), r"kpt_shape: \[2, 3\]"),
    ],
)
def test_the_likeliest_mistake(data: Path, lines: tuple[str, ...], message: str) -> None:
    (mistake,) = mistakes(data, *lines)
    assert mistake.severity == "error"
    assert mistake.file == str(data)
    assert re.search(message, mistake.message)
    assert not check(data).ok


@pytest.mark.parametrize(
    "lines",
    [
        ("0 0.5 0.5 0.2 0.4", "1 0.3 0.4 0.2 0.2"),
        ("0 0.95 0.5 0.2 0.4", "1 0.3 0.4 0.2 0.2"),  # one box sticks out
        ("1 0.5 0.5 0.2 0.4",),  # no cat is no mistake
        ("0 0.5 0.5 0.2 0.4 0.9", *["1 0.3 0.4 0.2 0.2"] * 5),  # one line of six numbers
        ("0 0.1 0.1 0.9 0.1 0.9 0.9 0.1 0.9",),  # a polygon of four corners
        ("0 0.1 0.1 0.9 0.1 0.9 0.9", "0 0.1 0.1 0.9 0.1 0.9 0.9 0.1 0.9"),
        ("",),
    ],
)
def test_single_slips_and_sound_labels_are_none(data: Path, lines: tuple[str, ...]) -> None:
    assert mistakes(data, *lines) == []


def test_points_of_two_numbers_may_be_corners(data: Path) -> None:
    assert mistakes(data, "0 0.5 0.5 0.2 0.4 0.45 0.35 0.55 0.62") == []
    (problem,) = [problem for problem in read(data).problems if problem.kind == "keypoints"]
    assert problem.severity == "warning"
    assert "kpt_shape: [2, 2]" in problem.message


@pytest.mark.parametrize(
    ("line", "column"),
    [("0 0.9 0.5 0.5 0.2 0.4", "second"), ("0 0.5 0.5 0.2 0.4 0.9", "last")],
)
def test_a_single_line_of_six_numbers_says_which(data: Path, line: str, column: str) -> None:
    mistakes(data, line, *["1 0.3 0.4 0.2 0.2"] * 9)
    (problem,) = [problem for problem in read(data).problems if problem.kind == "bad-box"]
    assert f"Is the {column} one a confidence?" in problem.message


def test_nothing_is_trained_on_them(data: Path) -> None:
    pytest.importorskip("torch")
    from headlab.train.configuration.config import DataConfig
    from headlab.train.data.splits import read_data

    mistakes(data, "0 0.6 0.6 0.9 0.9", "1 0.1 0.1 0.4 0.5")
    with pytest.raises(InputError, match="were x1, y1, x2, y2"):
        read_data(DataConfig(train=str(data)))
