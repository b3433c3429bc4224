"""The folder of a new training: the first free one, or one that is empty."""

from __future__ import annotations

from pathlib import Path

import pytest

from headlab.errors import OutputError
from headlab.train.api import _folder
from headlab.train.run_folder import check_is_free, free_folder


@pytest.fixture(autouse=True)
def in_a_new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_a_folder_the_first_free_one_is_taken() -> None:
    assert free_folder() == Path("runs/train")
    for name in ("train", "train-2"):
        (Path("runs") / name).mkdir(parents=True)
        (Path("runs") / name / "config.yaml").touch()
    (Path("runs") / "train-3").touch()
    assert free_folder() == Path("runs/train-4")
    (Path("runs") / "train-4").mkdir()
    assert free_folder() == Path("runs/train-4")  # it is empty


def test_a_further_process_takes_any_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    folder = Path("runs/train")
    folder.mkdir(parents=True)
    (folder / "config.yaml").touch()
    assert _folder(None) == _folder(folder) == folder


def test_what_is_in_the_way_is_named(tmp_path: Path) -> None:
    folder = Path("my run")
    check_is_free(folder)
    folder.mkdir()
    check_is_free(folder)
    (folder / "notes.txt").touch()
    with pytest.raises(OutputError, match="the folder is not empty") as caught:
        check_is_free(folder)
    assert "there is no training in it to resume" in caught.value.hint
    (folder / "state.pt").touch()
    with pytest.raises(OutputError) as caught:
        check_is_free(folder)
    assert caught.value.hint.endswith("resume it: headlab train --resume 'my run'")
    with pytest.raises(OutputError, match="is a file; a folder is expected"):
        check_is_free(folder / "notes.txt")
