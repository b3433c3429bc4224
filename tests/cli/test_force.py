"""One rule for what exists: models and annotations are replaced with --force only, results always."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from one_command import run
from traced_command import save_noise

import yolov3_models

Small = Callable[..., Path]

CAREFUL = (
    "edit MODEL --shift 1 -o out.pt",
    "edit edited.pt --undo -o out.pt",
    "convert m.safetensors out.h5",
    "convert m.safetensors out.weights",
    "boxes convert train.txt out.json --to coco",
    "boxes convert train.txt out --to yolo",
)
RESULTS = (
    "inspect MODEL -o out.csv",
    "diff MODEL MODEL -o out.json",
    "trace MODEL photos -o out.html",
    "boxes check train.txt -o out.csv",
    "anchors fit train.txt -k 3 --levels 1 -o out.txt",
)


@pytest.fixture
def words(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], list[str]]:
    """A place with models, photos and annotations; splits a command into words."""
    (tmp_path / "photos").mkdir()
    save_noise(tmp_path / "photos", ("a.png", "b.png"))
    boxes = "1,1,40,40,0 5,5,60,90,0 9,9,100,30,0"
    (tmp_path / "train.txt").write_text(f"photos/a.png {boxes}\nphotos/b.png {boxes}\n", "utf-8")
    (tmp_path / "classes.txt").write_text("cat\n", "utf-8")
    yolov3_models.saved(yolov3_models.random_model(), tmp_path / "m.safetensors")
    monkeypatch.chdir(tmp_path)
    return lambda command: [str(small()) if word == "MODEL" else word for word in command.split()]


def state(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("command", CAREFUL)
def test_models_and_annotations_are_replaced_with_force_only(
    words: Callable[[str], list[str]], tmp_path: Path, command: str
) -> None:
    assert run(*words("edit MODEL --shift 1 -o edited.pt")).code == 0
    assert run(*words(command)).code == 0
    before = state(tmp_path)
    again = run(*words(command))
    assert again.code == 2
    assert "--force" in again.err
    assert "Nothing was changed" in again.err
    assert state(tmp_path) == before
    assert run(*words(command), "--force").code == 0


@pytest.mark.parametrize("command", RESULTS)
def test_results_are_written_anew(
    words: Callable[[str], list[str]], tmp_path: Path, command: str
) -> None:
    target = tmp_path / words(command)[-1]
    target.write_text("old", "utf-8")
    done = run(*words(command))
    assert done.code in (0, 1), done.err
    assert target.read_text("utf-8") != "old"


def test_force_never_replaces_the_input(words: Callable[[str], list[str]], tmp_path: Path) -> None:
    before = state(tmp_path)
    for command in (
        "edit m.safetensors --shift 1 -o m.safetensors --force",
        "convert m.safetensors ./m.safetensors --force",
    ):
        done = run(*words(command))
        assert done.code == 2
        assert "is the input itself" in done.err
    assert state(tmp_path) == before
