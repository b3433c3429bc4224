"""What is printed and stored whatever the encoding of the terminal and of files' names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from one_command import run
from PIL import Image
from traced_command import save_noise

from headlab.boxes import read
from headlab.files.json_text import to_json

Small = Callable[..., Path]
PARAMETERS = {"PYTHONIOENCODING": None, "PYTHONUTF8": None, "LC_ALL": None}
SEVERAL = ("ascii", "cp932", "cp1252", "utf-8")


def headlab(*args: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a process of its own, since the streams of this one are pytest's."""
    kept = {key: value for key, value in os.environ.items() if key not in PARAMETERS}
    return subprocess.run(
        [sys.executable, "-m", "headlab", *map(str, args)],
        env={**kept, **environment},
        capture_output=True,
        check=False,
    )


@pytest.fixture(scope="module")
def named(small: Small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with classes in Japanese and French."""
    model = tmp_path_factory.mktemp("named") / "m.pt"
    names = [f"--rename={old}={new}" for old, new in ((0, "猫"), (1, "café"))]
    done = run("edit", small(nc=3), *names, "-o", model)
    assert done.code == 0, done.err
    return model


@pytest.mark.parametrize("encoding", SEVERAL)
def test_inspect_prints_in_every_encoding(named: Path, encoding: str) -> None:
    args = ("inspect", named, "--classes", "0,1", "--explain")
    done = headlab(*args, PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    text = done.stdout.decode(encoding)
    assert ("猫" in text) == (encoding in ("cp932", "utf-8"))
    assert (r"\u732b" in text) == (encoding in ("ascii", "cp1252"))
    assert ("café" in text) == (encoding in ("cp1252", "utf-8"))


def test_headlabs_own_signs_have_substitutes(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from headlab.cli.terminal import say\n"
        "from headlab.results.printing import take_every_text\n"
        "take_every_text(sys.stdout, sys.stderr)\n"
        "say('IoU ≥ 0.5, 416 × 416, 猫 …')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert done.stdout.splitlines() == [rb"IoU >= 0.5, 416 x 416, \u732b ..."], done.stderr


def test_a_choice_of_the_user_is_kept(named: Path) -> None:
    done = headlab("inspect", named, "--classes", "0", PYTHONIOENCODING="ascii:replace")
    assert done.returncode == 0
    assert b"?" in done.stdout
    assert b"732b" not in done.stdout


@pytest.mark.parametrize("encoding", SEVERAL)
def test_json_stays_json_in_every_encoding(named: Path, encoding: str) -> None:
    done = headlab("inspect", named, "--json", PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    names = json.loads(done.stdout.decode(encoding))["class_names"]
    assert names[:2] == ["猫", "café"]


def test_json_escapes_are_those_of_json() -> None:
    assert to_json({"a": "é😀"}, encoding="ascii") == '{\n  "a": "\\u00e9\\ud83d\\ude00"\n}\n'
    assert to_json({"a": "é😀"}) == '{\n  "a": "é😀"\n}\n'


def test_a_locale_without_letters(named: Path, tmp_path: Path) -> None:
    """Names of files are halves of characters then, and the terminal takes ASCII only."""
    save_noise(tmp_path, ("犬.png",))
    table = tmp_path / "表.csv"
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0"}
    done = headlab("trace", named, tmp_path / "犬.png", "--conf", "0", "-o", table, **plain)
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    rows = pl.read_csv(table)
    assert set(rows["image"]) == {str(tmp_path / "犬.png")}
    assert "猫" in set(rows["class_name"]) | {"猫"}
    assert headlab("inspect", named, "--classes", "0", **plain).returncode == 0


@pytest.fixture
def latin(tmp_path: Path) -> Path:
    """A folder of photos, the name of one of which is not UTF-8."""
    folder = tmp_path / "photos"
    folder.mkdir()
    save_noise(folder, ("a.png", "b.png"))
    try:
        (folder / "b.png").rename(folder / os.fsdecode(b"caf\xe9.png"))
    except (OSError, UnicodeError):
        pytest.skip("this file system takes Unicode names only")
    return folder


def test_a_name_that_is_not_utf_8_is_traced_like_any_other(
    small: Small, latin: Path, tmp_path: Path
) -> None:
    files = [tmp_path / f"t{suffix}" for suffix in (".csv", ".json", ".parquet", ".html", ".png")]
    saved = tmp_path / "saved"
    outputs = [word for file in files for word in ("-o", file)]
    done = run("trace", small(), latin, "--conf", "0.001", *outputs, "--save", saved)
    assert done.code == 0, done.err
    images = {str(latin / "a.png"), rf"{latin}/caf\xe9.png"}
    assert set(pl.read_csv(files[0])["image"]) == images
    listed = json.loads(files[1].read_text("utf-8"))["images"]
    assert {image["image"] for image in listed} == images
    assert len(list(saved.iterdir())) == 2


def test_a_name_that_is_not_utf_8_is_compared(small: Small, latin: Path, tmp_path: Path) -> None:
    table, picture = tmp_path / "c.csv", tmp_path / "c.png"
    done = run(
        *("compare", small(), small(), latin, "--conf", "0.001", "-o", table, "-o", picture),
    )
    assert done.code == 0, done.err
    assert pl.read_csv(table)["image"].n_unique() == 2
    assert Image.open(picture).width > 0


def test_a_model_whose_name_is_not_utf_8(small: Small, tmp_path: Path) -> None:
    model, edited, back = (tmp_path / os.fsdecode(name) for name in (b"\xe9", b"\xe8", b"\xea"))
    model, edited, back = (path.with_name(f"{path.name}.pt") for path in (model, edited, back))
    try:
        model.write_bytes(small().read_bytes())
    except (OSError, UnicodeError):
        pytest.skip("this file system takes Unicode names only")
    assert run("inspect", model, "--json").code == 0
    assert json.loads(run("edit", model, "--shift", "1", "-o", edited, "--json").out)
    assert run("diff", model, edited, "--json").code == 1
    assert run("edit", edited, "--undo", "-o", back).code == 0
    assert back.read_bytes() == model.read_bytes()


@pytest.mark.parametrize("kind", ["yolo", "voc", "keras"])
def test_annotations_of_a_photo_whose_name_is_not_utf_8(latin: Path, kind: str) -> None:
    """In a folder whose own name is not UTF-8, too."""
    home = latin.with_name(os.fsdecode(b"d\xe9"))
    stem = os.fsdecode(b"caf\xe9")
    if kind == "yolo":
        (home / "labels").mkdir(parents=True)
        latin.rename(home / "images")
        (home / "classes.txt").write_text("cat\n", "utf-8")
        for name in ("a", stem):
            (home / "labels" / f"{name}.txt").write_text("0 0.5 0.5 0.25 0.5\n", "utf-8")
    elif kind == "voc":
        latin.rename(home)
        for name in ("a", stem):
            (home / f"{name}.xml").write_text(
                "<annotation><size><width>128</width><height>96</height></size><object>"
                "<name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>40</xmax><ymax>40</ymax>"
                "</bndbox></object></annotation>",
                "utf-8",
            )
    else:
        latin.rename(home)
        (home / "train.txt").write_text("a.png 1,1,40,40,0\n", "utf-8")
    data = home / "train.txt" if kind == "keras" else home
    table = read(data)
    assert table.boxes.height == (1 if kind == "keras" else 2)
    assert [problem.kind for problem in table.problems if problem.severity == "error"] == []
    for command in ("check", "stats"):
        done = run("boxes", command, data, "-o", latin.with_name("out.csv"))
        assert done.code == 0, done.err
