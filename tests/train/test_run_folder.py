"""The folder of a new training: the first free one, or one that is empty."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from headlab.errors import OutputError
from headlab.train.api import _folder
from headlab.train.run_folder import check_is_free, claimed, free_folder


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


def test_a_configuration_of_the_users_own_is_not_what_a_training_left(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("mine", "utf-8")
    with pytest.raises(OutputError, match="not empty"), claimed(tmp_path, new=True):
        pass
    assert [(path.name, path.read_text("utf-8")) for path in tmp_path.iterdir()] == [
        ("config.yaml", "mine")
    ]


def test_two_trainings_do_not_share_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    script = (
        "import sys, pathlib\n"
        "from headlab.train.run_folder import claimed\n"
        "with claimed(pathlib.Path(sys.argv[1]), new=sys.argv[2] == 'new'): print('claimed')\n"
    )

    def other(how: str) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "-c", script, str(folder), how],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        return done.stdout.strip(), done.stderr

    with claimed(folder, new=True):
        for how in ("new", "resumed"):
            said, error = other(how)
            assert said == ""
            assert "run: another training is writing into this folder" in error
        (folder / "state.pt").touch()
    assert [path.name for path in folder.iterdir()] == ["state.pt"]
    assert other("resumed")[0] == "claimed"
    assert "not empty" in other("new")[1]


def failing(folder: Path, *names: str) -> None:
    """A new training that writes files, and fails.

    Raises:
        KeyboardInterrupt: always.
    """
    with claimed(folder, new=True):
        for name in names:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).touch()
        raise KeyboardInterrupt


@pytest.mark.parametrize("there", [True, False])
def test_what_ends_before_its_first_epoch_leaves_nothing(there: bool, tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "first"
    if there:
        folder.mkdir(parents=True)
    with pytest.raises(KeyboardInterrupt):
        failing(folder, "config.yaml", ".state.pt.12345678.part", "tensorboard/events")
    assert folder.exists() == there
    assert (tmp_path / "runs").exists() == there
    check_is_free(folder)


def test_what_was_killed_before_its_first_epoch_does_not_count(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.yaml").touch()
    with pytest.raises(OutputError, match="not empty"):  # it may be the user's own
        check_is_free(folder)
    (folder / "training.lock").touch()
    check_is_free(folder)
    with claimed(folder, new=True):
        assert [path.name for path in folder.iterdir()] == ["training.lock"]


@pytest.mark.parametrize("name", ["notes.txt", "bad-batch.pt", "state.pt", "best.safetensors"])
def test_what_is_worth_something_is_kept(name: str, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        failing(tmp_path / "run", name, "config.yaml")
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"config.yaml", name}
