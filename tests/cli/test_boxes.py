"""`headlab boxes check` and `headlab boxes convert`."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from one_command import run
from PIL import Image

BOXES = "boxes x1,y1,x2,y2,class"


@pytest.fixture
def train(tmp_path: Path) -> Path:
    """Two photos with three boxes and nothing wrong."""
    for name, shade in (("a.png", 0), ("b.png", 1)):
        Image.new("RGB", (50, 40), (shade, 0, 0)).save(tmp_path / name)
    (tmp_path / "classes.txt").write_text("cat\ndog\n", "utf-8")
    path = tmp_path / "train.txt"
    path.write_text("a.png 0,0,50,40,0 1,2,3,4,1\nb.png 5,6,7,8,0\n", "utf-8")
    return path


def test_nothing_is_wrong(train: Path) -> None:
    done = run("boxes", "check", train)
    assert done.code == 0
    assert done.words == [
        [str(train)],
        f"format keras-yolo3: {BOXES} in 2 of the first 2 lines".split(),
        ["images", "2"],
        ["boxes", "3", "of", "2", "classes:", "cat", "(2),", "dog", "(1)"],
        ["names", "from", "classes.txt"],
        [],
        ["Nothing", "is", "wrong."],
    ]


def test_errors_end_with_1(train: Path) -> None:
    train.write_text(
        train.read_text(encoding="utf-8") + "none.png 1,1,2,2,0\na.png 3,3,3,9,1 x,1,1,1,1\n",
        encoding="utf-8",
    )
    done = run("boxes", "check", train)
    assert done.code == 1
    assert "3 errors, 1 warning" in done.out
    assert ["error", "zero-size", "1"] in done.words
    assert f"  {train}:3: There is no photo {train.parent / 'none.png'}." in done.out.splitlines()
    assert f"  {train}:4: Box 3,3,3,9: it has no area." in done.out.splitlines()


def test_warnings_end_with_0(train: Path) -> None:
    train.write_text("a.png 0,0,50,40,0\n", encoding="utf-8")
    done = run("boxes", "check", train)
    assert done.code == 0
    assert "0 errors, 1 warning" in done.out


def test_only_the_first_of_a_kind_are_shown(train: Path) -> None:
    empty = "".join(f"a.png 3,3,3,{bottom},1\n" for bottom in range(4, 13))
    train.write_text(train.read_text(encoding="utf-8") + empty, encoding="utf-8")
    assert "  and 6 more (--all shows them)" in run("boxes", "check", train).out.splitlines()
    assert run("boxes", "check", train, "--all").out.count("it has no area") == 9


def test_json(train: Path) -> None:
    train.write_text("a.png 3,3,3,9,1\nb.png 1,1,2,2,0\n", encoding="utf-8")
    done = run("boxes", "check", train, "--json")
    assert done.code == 1
    assert json.loads(done.out) == {
        "data": [str(train)],
        "format": "keras",
        "images": 2,
        "boxes": 2,
        "splits": {},
        "classes": [
            {"class_id": 0, "class_name": "cat", "boxes": 1},
            {"class_id": 1, "class_name": "dog", "boxes": 1},
        ],
        "errors": 1,
        "warnings": 0,
        "kinds": [{"severity": "error", "kind": "zero-size", "count": 1}],
        "findings": [
            {
                "severity": "error",
                "kind": "zero-size",
                "message": "Box 3,3,3,9: it has no area.",
                "file": str(train),
                "line": 1,
                "image": "a.png",
            }
        ],
    }


def test_findings_as_files(train: Path) -> None:
    train.write_text("a.png 3,3,3,9,1\nb.png 1,1,2,2,0\n", encoding="utf-8")
    table, document = train.with_name("found.csv"), train.with_name("found.json")
    done = run("boxes", "check", train, "-o", table, "-o", document)
    assert done.code == 1
    assert f"wrote {table}" in done.err
    (row,) = csv.DictReader(table.open())
    assert (row["severity"], row["kind"], row["line"]) == ("error", "zero-size", "1")
    assert json.loads(document.read_text("utf-8"))["findings"][0]["line"] == 1


def test_several_files_are_splits(train: Path) -> None:
    val = train.with_name("val.txt")
    val.write_text("b.png 1,1,2,2,0\n", "utf-8")
    done = run("boxes", "check", train, val)
    assert done.code == 1
    assert f"  {val}:1: The image is in the split val, and in train at {train}:2." in done.out


def test_photos_can_be_left_out_or_decoded(train: Path) -> None:
    noise = Image.effect_noise((50, 40), 90).convert("RGB")
    noise.save(train.with_name("a.png"))
    whole = train.with_name("a.png").read_bytes()
    train.with_name("a.png").write_bytes(whole[: len(whole) // 2])
    assert run("boxes", "check", train).code == 0
    assert run("boxes", "check", train, "--deep").code == 1
    assert run("boxes", "check", train, "--no-photos").code == 0
    assert run("boxes", "check", train, "--deep", "--no-photos").code == 2


def test_names_cannot_steer_the_terminal(train: Path) -> None:
    train.write_text("\x1b[31m.png 1,1,2,2,0\n", encoding="utf-8")
    done = run("boxes", "check", train)
    assert "\x1b" not in done.out
    assert "\\x1b[31m.png" in done.out


@pytest.mark.parametrize(
    ("to", "name"), [("keras", "o.txt"), ("coco", "o.json"), ("yolo", "o"), ("voc", "o")]
)
def test_convert(train: Path, to: str, name: str) -> None:
    out = train.parent / name
    done = run("boxes", "convert", train, out, "--to", to)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{out}: 2 images, 3 boxes read from {train}\n"
    again = run("boxes", "check", out, "--json", "--no-photos")
    assert json.loads(again.out)["boxes"] == 3
    assert [each["class_name"] for each in json.loads(again.out)["classes"]] == ["cat", "dog"]
    refused = run("boxes", "convert", train, out, "--to", to)
    assert refused.code == 2
    assert "--force" in refused.err
    assert run("boxes", "convert", train, out, "--to", to, "--force").code == 0


def test_what_is_skipped_is_said_and_ends_with_1(train: Path) -> None:
    train.write_text("a.png 1,1,2,2,0 rubbish,1,2,3,4\n", encoding="utf-8")
    done = run("boxes", "convert", train, train.parent / "o.json", "--to", "coco")
    assert done.code == 1
    assert f"{train}:1: 'rubbish,1,2,3,4' is not a box" in done.err
    assert "1 image, 1 box read" in done.out


def test_what_was_converted_as_json(train: Path) -> None:
    train.write_text("a.png 1,1,2.5,2,0 rubbish,1,2,3,4\n", encoding="utf-8")
    out = train.parent / "o.txt"
    done = run("boxes", "convert", train, out, "--to", "keras", "--json")
    assert done.code == 1
    document = json.loads(done.out)
    assert (document["format"], document["boxes"]) == ("keras", 1)
    assert document["files"] == [str(out), str(train.parent / "o_classes.txt")]
    assert [problem["kind"] for problem in document["skipped"]] == ["bad-box"]
    assert [problem["kind"] for problem in document["lost"]] == ["rounded"]


def test_what_the_format_cannot_say_is_said(train: Path) -> None:
    train.write_text("a.png 1,1,2.5,2,0\n", encoding="utf-8")
    done = run("boxes", "convert", train, train.parent / "o.txt", "--to", "keras")
    assert done.code == 0
    assert "headlab: 1 of the boxes has corners in fractions of a pixel" in done.err


def test_one_split(shared: Path, tmp_path: Path) -> None:
    done = run(
        "boxes", "convert", shared / "bccd", tmp_path / "o", "--to", "keras", "--split", "val"
    )
    assert done.code == 0
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["classes.txt", "val.txt"]
    assert len((tmp_path / "o" / "val.txt").read_text("utf-8").splitlines()) == 87


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("check", "none.txt"), "no such file or folder"),
        (("check", "train.txt", "--assume-size", "640,big"), "height and width"),
        (("check", "train.txt", "--data-names", "none.txt"), "cannot be read"),
        (("check", "train.txt", "-o", "findings.png"), "End the name in .json, .csv"),
        (("check", "train.txt", "-o", "train.txt"), "End the name in"),
        (("check", "train.txt", "--deep", "--no-photos"), "Leave out --deep"),
        (("convert", "train.txt", "none/o.txt", "--to", "keras"), "no folder none"),
    ],
)
def test_wrong_input_ends_with_2(
    train: Path, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(train.parent)
    done = run("boxes", *args)
    assert done.code == 2
    assert message in done.err
