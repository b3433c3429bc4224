"""Folders are walked once each, whatever links there are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headlab.files.walking import folders_within, matching


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three photos; links to a folder's own folder, to the top, to a sibling and to nothing."""
    for name in ("photos/1.jpg", "photos/sub/2.jpg", "photos/sub/deep/3.jpg", "photos/.git/4.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    photos = tmp_path / "photos"
    try:
        (photos / "again").symlink_to(photos)
        (photos / "sub" / "up").symlink_to("..")
        (photos / "a-link").symlink_to(photos / "sub")
        (photos / "nowhere").symlink_to("none")
    except OSError:
        pytest.skip("this system has no symbolic links")
    monkeypatch.chdir(tmp_path)
    return photos


def test_each_folder_once_under_its_own_name(tree: Path) -> None:
    assert list(folders_within("photos")) == ["photos", "photos/sub", "photos/sub/deep"]


@pytest.mark.parametrize("base", ["", "photos/", "photos/sub/../"])
def test_a_pattern_finds_each_photo_once(tree: Path, base: str) -> None:
    found = matching(f"{base}**/*.jpg")
    assert [Path(path).name for path in found] == ["1.jpg", "2.jpg", "3.jpg"]
    assert all(os.path.exists(path) for path in found)  # noqa: PTH110


def test_other_patterns_are_those_of_the_shell(tree: Path) -> None:
    assert matching("photos/*.jpg") == ["photos/1.jpg"]
    assert matching("photos/s*/[0-9].jpg") == ["photos/sub/2.jpg"]
    assert matching("photos/**/deep/*") == ["photos/sub/deep/3.jpg"]
    assert matching("photos/sub/deep/**") == ["photos/sub/deep/3.jpg"]
    assert matching(f"{tree}/**/3.jpg") == [str(tree / "sub" / "deep" / "3.jpg")]
    assert matching("none/**/*.jpg") == []


def test_a_link_to_a_folder_elsewhere_is_followed(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "5.jpg").write_bytes(b"")
    (tree / "sub" / "other").symlink_to(tmp_path / "disk")
    assert matching("photos/**/5.jpg") == ["photos/sub/other/5.jpg"]


def test_a_link_upwards_is_followed_once(tree: Path) -> None:
    found = matching("photos/sub/**/*.jpg")
    assert found == ["photos/sub/2.jpg", "photos/sub/deep/3.jpg", "photos/sub/up/1.jpg"]


def test_brackets_in_names_are_no_patterns(tmp_path: Path) -> None:
    (tmp_path / "a[1]" / "in").mkdir(parents=True)
    (tmp_path / "a[1]" / "in" / "x.jpg").write_bytes(b"")
    assert matching(f"{tmp_path}/**/x.jpg") == [str(tmp_path / "a[1]" / "in" / "x.jpg")]
