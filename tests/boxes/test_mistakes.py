"""Mistakes that all boxes of a file share are named as one, and nothing is made of such files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from small_photos import MakePhoto

from headlab.anchors import fit
from headlab.boxes import check, convert, read, stats
from headlab.errors import InputError
from headlab.train.configuration.config import DataConfig
from headlab.train.data.splits import read_data

WIDTH, HEIGHT = 64, 48
CORNERS = [(4, 5, 30, 20), (40, 30, 60, 44), (10, 24, 30, 40), (2, 2, 12, 40), (50, 3, 62, 46)]
"""x1, y1, x2, y2 of boxes in a photo of 64 x 48 px."""


def keras(folder: Path, photo: MakePhoto, *words: str) -> Path:
    """A photo per word."""
    for at in range(len(words)):
        photo(f"{at}.png", WIDTH, HEIGHT, shade=at)
    lines = [f"{at}.png {word}\n" for at, word in enumerate(words)]
    (folder / "train.txt").write_text("".join(lines))
    (folder / "classes.txt").write_text("cat\ndog\nbird\n")
    return folder / "train.txt"


def word(*numbers: float) -> str:
    return ",".join(f"{number:g}" for number in numbers)


WRITTEN: dict[str, tuple[Callable[..., str], str, str]] = {
    "shares": (
        lambda at, x1, y1, x2, y2: word(x1 / WIDTH, y1 / HEIGHT, x2 / WIDTH, y2 / HEIGHT, at % 3),
        "shares of the photo's width and height",
        "Multiply",
    ),
    "shares of centre and size": (
        lambda at, x1, y1, x2, y2: word(
            *((x1 + x2) / 2 / WIDTH, (y1 + y2) / 2 / HEIGHT),
            *((x2 - x1) / WIDTH, (y2 - y1) / HEIGHT, at % 3),
        ),
        "centre, width and height",
        "YOLO",
    ),
    "width and height": (
        lambda at, x1, y1, x2, y2: word(x1, y1, x2 - x1, y2 - y1, at % 3),
        "The columns are probably x,y,width,height",
        "x2 = x + width",
    ),
    "centre and size": (
        lambda at, x1, y1, x2, y2: word((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, at % 3),
        "probably the centre's x,y and width,height",
        "x1 = x - width / 2",
    ),
    "class first": (
        lambda at, x1, y1, x2, y2: word(at % 3, x1, y1, x2, y2),
        "class,x1,y1,x2,y2",
        "Move the class",
    ),
    "classes from 1": (
        lambda at, x1, y1, x2, y2: word(x1, y1, x2, y2, 1 + at % 3),
        "counted from 1: the boxes have 1 to 3",
        "Subtract 1",
    ),
    "confidence last": (
        lambda at, x1, y1, x2, y2: word(x1, y1, x2, y2, at % 3, 0.5 + at / 10),
        "six numbers, of which the last",
        "Remove it",
    ),
    "confidence before the class": (
        lambda at, x1, y1, x2, y2: word(x1, y1, x2, y2, 0.5 + at / 10, at % 3),
        "six numbers, of which the fifth",
        "Remove it",
    ),
    "confidence first": (
        lambda at, x1, y1, x2, y2: word(0.5 + at / 10, x1, y1, x2, y2, at % 3),
        "six numbers, of which the first",
        "Remove it",
    ),
    "confidence for the class": (
        lambda at, x1, y1, x2, y2: word(x1, y1, x2, y2, 0.51 + at / 10),
        "a confidence",
        "Write the class in its place",
    ),
    "no class": (lambda at, x1, y1, x2, y2: word(x1, y1, x2, y2), "no class", "add one"),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_the_mistake_of_a_whole_file_is_named(tmp_path: Path, photo: MakePhoto, name: str) -> None:
    write, cause, remedy = WRITTEN[name]
    path = keras(tmp_path, photo, *(write(at, *box) for at, box in enumerate(CORNERS)))
    findings = [finding for finding in check(path) if finding.kind == "wrong-columns"]
    assert [(finding.severity, finding.line) for finding in findings] == [("error", 1)]
    assert cause in findings[0].message
    assert remedy in findings[0].message


@pytest.mark.parametrize("name", ["shares", "width and height", "classes from 1"])
def test_nothing_is_made_of_such_a_file(tmp_path: Path, photo: MakePhoto, name: str) -> None:
    write, cause, _ = WRITTEN[name]
    path = keras(tmp_path, photo, *(write(at, *box) for at, box in enumerate(CORNERS)))
    uses: list[Callable[[], object]] = [
        lambda: convert(path, tmp_path / "out", "yolo"),
        lambda: stats(path),
        lambda: fit(path, 2),
        lambda: read_data(DataConfig(train=str(path))),
    ]
    for use in uses:
        with pytest.raises(InputError, match=r"train\.txt:1: ") as caught:
            use()
        assert cause in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "words",
    [
        [word(*box, at % 3) for at, box in enumerate(CORNERS)],
        ["30,20,4,5,0", *(word(*box, 1) for box in CORNERS)],  # one is wrong by itself
        ["0,0,1,1,0"],  # whole numbers: one pixel
        ["4,5,30,20,1,0.5", *(word(*box, 0) for box in CORNERS)],
        ["1,2,30,40,2", "1,2,30,40,2"],  # the first two classes have no box
    ],
)
def test_other_files_have_no_such_mistake(
    tmp_path: Path, photo: MakePhoto, words: list[str]
) -> None:
    findings = check(keras(tmp_path, photo, *words))
    assert "wrong-columns" not in {finding.kind for finding in findings}


@pytest.mark.parametrize("shares", [False, True])
def test_coco_with_corners_for_sides_or_with_shares(
    tmp_path: Path, photo: MakePhoto, shares: bool
) -> None:
    photo("a.png", WIDTH, HEIGHT)
    sides = (WIDTH, HEIGHT, WIDTH, HEIGHT) if shares else (1, 1, 1, 1)
    document = {
        "images": [{"id": 1, "file_name": "a.png", "width": WIDTH, "height": HEIGHT}],
        "annotations": [
            {
                "image_id": 1,
                "category_id": 1,
                "bbox": [a / b for a, b in zip(box, sides, strict=True)],
            }
            for box in CORNERS
        ],
        "categories": [{"id": 1, "name": "cat"}],
    }
    (tmp_path / "a.json").write_text(json.dumps(document))
    (mistake,) = (each for each in check(tmp_path / "a.json") if each.kind == "wrong-columns")
    assert ("shares" if shares else "probably x1,y1,x2,y2") in mistake.message


def test_labels_of_yolo_with_classes_from_1(tmp_path: Path, photo: MakePhoto) -> None:
    photo("images/a.png", WIDTH, HEIGHT)
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("1 0.5 0.5 0.1 0.1\n2 0.2 0.2 0.1 0.1\n")
    (tmp_path / "data.yaml").write_text("train: images\nval: images\nnames: [cat, dog]\n")
    (mistake,) = (each for each in read(tmp_path).problems if each.kind == "wrong-columns")
    assert "counted from 1" in mistake.message


@pytest.mark.parametrize("number", ["1" * 8000, "1e400", f"1{'0' * 400}", "." * 8000])
def test_words_that_are_hostile(tmp_path: Path, photo: MakePhoto, number: str) -> None:
    """A number of 8,000 digits took seconds, five of them with a letter at the end did not return."""
    words = [number, f"{number},2,3,4,0", f"{','.join([number] * 5)}x"]
    table = read(keras(tmp_path, photo, *words), format="keras")
    assert len(table) == 0
    assert all(len(problem.message) < 200 for problem in table.problems if problem.line != 1)
