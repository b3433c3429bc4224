from __future__ import annotations

from pathlib import Path

import pytest
from one_command import run

import yolov3_models


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    return yolov3_models.saved(yolov3_models.random_model(), folder / "my model.safetensors")


def test_it_says_what_it_wrote_and_how_it_knows(model: Path, tmp_path: Path) -> None:
    done = run("convert", model, tmp_path / "x.weights")
    assert done.code == 0
    lines = done.out.splitlines()
    size = (tmp_path / "x.weights").stat().st_size
    assert lines[0] == f"wrote {tmp_path / 'x.weights'} ({size:,} bytes)"
    assert [line.split("/")[-1].split(" ")[0] for line in lines[1:3]] == ["x.names", "x.cfg"]
    assert lines[3].startswith("checked at 96 x 96 px: the raw outputs of both files")
    assert lines[-1] == f"  headlab trace {tmp_path / 'x.weights'} PHOTO"


def test_the_files_beside_may_be_named(model: Path, tmp_path: Path) -> None:
    run("convert", model, tmp_path / "a.weights")
    for name in ("cfg", "names"):
        (tmp_path / f"a.{name}").rename(tmp_path / f"elsewhere.my{name}")
    asked = ("--cfg", tmp_path / "elsewhere.mycfg", "--names", tmp_path / "elsewhere.mynames")
    assert run("convert", tmp_path / "a.weights", tmp_path / "b.safetensors", *asked).code == 0
    assert run("diff", model, tmp_path / "b.safetensors").code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--imgsz", "100"], "multiples of 32 px"),
        (["--bn-epsilon", "0"], "a number between 0 and 1 was expected"),
        (["--cfg", "some.cfg"], "the file holds its classes and anchors itself"),
    ],
)
def test_a_wrong_option(model: Path, tmp_path: Path, words: list[str], said: str) -> None:
    done = run("convert", model, tmp_path / "x.weights", *words)
    assert done.code == 2
    assert said in done.err
    assert not list(tmp_path.iterdir())


def test_a_named_file_that_is_not_there(model: Path, tmp_path: Path) -> None:
    run("convert", model, tmp_path / "a.weights")
    done = run("convert", tmp_path / "a.weights", tmp_path / "b.h5", "--cfg", "nowhere.cfg")
    assert done.code == 2
    assert "nowhere.cfg" in done.err


def test_help_names_the_formats() -> None:
    done = run("convert", "--help")
    assert done.code == 0
    for suffix in (".weights", ".h5", ".weights.h5", ".safetensors"):
        assert suffix in done.out
