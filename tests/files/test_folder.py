"""Folders are made, and filled at once or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from headlab.errors import OutputError
from headlab.files.folder import make_folder, placed, staging


def contents(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in found}


def fill(folder: Path, *names: str, text: str = "new") -> None:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")


def test_a_folder_is_made_once(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"file: the folder cannot be made: ") as caught:
        make_folder(tmp_path / "file", "Give another with -o.")
    assert caught.value.hint == "Give another with -o."


def place(folder: Path, *names: str, force: bool = False, stop: bool = False) -> None:
    with placed(folder, force=force) as filled:
        fill(filled, *names)
        if stop:
            raise ValueError("stop")


def test_a_new_folder_appears_whole(tmp_path: Path) -> None:
    with placed(tmp_path / "new") as folder:
        fill(folder, "a", "b/c")
        assert not (tmp_path / "new").exists()
    assert contents(tmp_path) == {"new/a": "new", "new/b/c": "new"}


def test_what_is_there_is_kept_or_replaced_on_request(tmp_path: Path) -> None:
    fill(tmp_path, "a", "other", text="old")
    with pytest.raises(OutputError, match=r"already has a\. Nothing was changed"):
        place(tmp_path, "a", "b")
    assert contents(tmp_path) == {"a": "old", "other": "old"}
    place(tmp_path, "a", "b", force=True)
    assert contents(tmp_path) == {"a": "new", "b": "new", "other": "old"}


def test_a_failing_body_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="stop"):
        place(tmp_path / "new", "a", stop=True)
    with pytest.raises(OutputError, match=r"new: cannot be written: .*Nothing was changed"):
        place(tmp_path / "new", "no/such/folder/a")
    assert list(tmp_path.iterdir()) == []


def test_a_rename_that_fails_puts_everything_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, "a", "c", text="old")
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if self.parent.name == "new" and self.name == "c":
            raise OSError(5, "broken")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OutputError, match=r"broken\. Nothing was changed"):
        place(tmp_path, "a", "b", "c", force=True)
    assert contents(tmp_path) == {"a": "old", "c": "old"}


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    fill(tmp_path, "a")
    with pytest.raises(OutputError, match="is a file, not a folder"):
        place(tmp_path / "a")


def test_a_staging_folder_vanishes(tmp_path: Path) -> None:
    with staging(tmp_path, tmp_path / "target") as folder:
        fill(folder, "a")
        assert folder.name.startswith(".")
    assert list(tmp_path.iterdir()) == []
    missing = staging(tmp_path / "none", tmp_path / "target")
    with pytest.raises(OutputError, match=r"target: cannot be written: there is no such folder"):
        missing.__enter__()
