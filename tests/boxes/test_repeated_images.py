"""A photo that is listed twice in a split counts once, with the boxes of both entries, and it is said."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from small_photos import MakePhoto

from headlab.boxes import BoxTable, check, read, stats

LABEL = "0 0.5 0.5 0.25 0.5\n"


def repeats(table: BoxTable) -> list[tuple[int | None, str]]:
    found = [problem for problem in table.problems if problem.kind == "duplicate-image"]
    return [(problem.line, problem.message) for problem in found]


@pytest.mark.parametrize(
    "again", ["a.png", "./a.png", "x/../a.png", "linked/a.png", "./x/..//a.png"]
)
def test_under_two_spellings_of_one_path(tmp_path: Path, photo: MakePhoto, again: str) -> None:
    photo("a.png")
    photo("b.png", shade=1)
    (tmp_path / "x").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a.txt").write_text(LABEL)
    (tmp_path / "b.txt").write_text(LABEL)
    (tmp_path / "list.txt").write_text(f"a.png\nb.png\n{again}\n")
    (tmp_path / "keras.txt").write_text(f"a.png 1,2,3,4,0\nb.png 1,2,3,4,0\n{again} 1,2,3,4,0\n")
    (tmp_path / "absolute.txt").write_text(f"a.png\nb.png\n{tmp_path / again}\n")
    for name in ("list.txt", "keras.txt", "absolute.txt"):
        table = read(tmp_path / name)
        assert table.images["image"].to_list() == ["a.png", "b.png"]
        assert table.boxes["image_id"].to_list() == [0, 1]
        ((line, message),) = repeats(table)
        assert line == 3
        assert f"{tmp_path / name}:1: it counts once." in message
        assert stats(table).all.boxes == 2
        assert check(table).ok


def test_boxes_of_both_entries_are_kept(tmp_path: Path, photo: MakePhoto) -> None:
    """One line per box, as some scripts write it; a line that is there twice adds nothing."""
    for name in ("a.png", "b.png"):
        photo(name)
    lines = ["a.png 1,2,3,4,0", "b.png 1,1,2,2,1", "a.png 2,2,5,5,1 1,2,3,4,0", "a.png 1,2,3,4,0"]
    (tmp_path / "keras.txt").write_text("\n".join(lines))
    table = read(tmp_path / "keras.txt")
    assert table.boxes.select("image", "x1", "class_id", "line").rows() == [
        ("a.png", 1, 0, 1),
        ("a.png", 2, 1, 3),
        ("b.png", 1, 1, 2),
    ]
    assert table.images["line"].to_list() == [1, 2]
    assert [line for line, _ in repeats(table)] == [3, 4]


def test_two_splits_are_not_merged(tmp_path: Path, photo: MakePhoto) -> None:
    photo("a.png")
    for name in ("train", "val"):
        (tmp_path / f"{name}.txt").write_text("a.png 1,2,3,4,0\n")
    table = read([tmp_path / "train.txt", tmp_path / "val.txt"])
    assert table.images["split"].to_list() == ["train", "val"]
    assert repeats(table) == []
    assert [problem.kind for problem in check(table).errors] == ["leakage"]
    merged = read([tmp_path / "train.txt", tmp_path / "val.txt"], split="all")
    assert (merged.images.height, merged.boxes.height) == (1, 1)


def test_a_folder_named_twice(tmp_path: Path, photo: MakePhoto) -> None:
    photo("images/sub/a.png")
    (tmp_path / "labels/sub").mkdir(parents=True)
    (tmp_path / "labels/sub/a.txt").write_text(LABEL)
    (tmp_path / "data.yaml").write_text("train: [images, images/sub]\nnames: [cat]\n")
    table = read(tmp_path)
    assert (table.images.height, table.boxes.height) == (1, 1)
    assert len(repeats(table)) == 1


def test_spellings_in_unicode(tmp_path: Path, photo: MakePhoto) -> None:
    composed, decomposed = (unicodedata.normalize(form, "é.png") for form in ("NFC", "NFD"))
    photo(decomposed)
    (tmp_path / "keras.txt").write_text(f"{composed} 1,2,3,4,0\n{decomposed} 1,2,3,4,0\n", "utf-8")
    table = read(tmp_path / "keras.txt")
    assert (table.images.height, table.boxes.height) == (1, 1)
