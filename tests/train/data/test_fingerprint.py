"""What a training began with: recognised after a move, and what has changed is named."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from photo_files import photo_set, write_photo

from headlab.train.data import fingerprint as module
from headlab.train.data.fingerprint import changes, fingerprint
from headlab.train.data.photos import Photos


@pytest.fixture
def photos(tmp_path: Path) -> Photos:
    return photo_set(tmp_path / "one", 4)


def changed(before: Photos, now: Photos) -> str:
    return changes(fingerprint(before, None), fingerprint(now, None))


def test_a_data_set_that_has_moved_is_the_same(photos: Photos, tmp_path: Path) -> None:
    moved = photo_set(tmp_path / "two", 4)
    assert moved.paths != photos.paths
    assert changed(photos, moved) == ""


def test_another_photo_of_the_same_name_is_named(photos: Photos, tmp_path: Path) -> None:
    before = fingerprint(photos, photos)
    write_photo(Path(photos.paths[2]), seed=99)
    assert (
        changes(before, fingerprint(photos, photos))
        == "p2.jpg is another photo; p2.jpg is another photo"
    )
    Path(photos.paths[1]).unlink()
    assert "p1.jpg is another photo" in changes(before, fingerprint(photos, None))


def test_a_photo_with_one_other_byte_is_another(
    photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At its end, where the middle of a large file is not read; its size is the same."""
    monkeypatch.setattr(module, "_END_BYTES", 100)
    path = Path(photos.paths[0])
    assert path.stat().st_size > 2 * 100
    before = fingerprint(photos, None)
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    assert changes(before, fingerprint(photos, None)) == "p0.jpg is another photo"


def test_other_boxes_are_named(photos: Photos) -> None:
    boxes = [each.copy() for each in photos.boxes]
    boxes[1][0, 2] += 1
    boxes[3] = boxes[3][:0]
    assert changed(photos, replace(photos, boxes=tuple(boxes))) == (
        "p1.jpg has other boxes; p3.jpg has other boxes"
    )


def test_photos_that_come_and_go_are_named(photos: Photos) -> None:
    fewer = replace(photos, paths=photos.paths[:3], boxes=photos.boxes[:3])
    assert changed(photos, fewer) == "p3.jpg is no longer among the photos to train on"
    assert changed(fewer, photos) == "p3.jpg is new among the photos to train on"
    turned = replace(photos, paths=photos.paths[::-1], boxes=photos.boxes[::-1])
    assert changed(photos, turned) == "the photos to train on are in another order"
    assert changes(fingerprint(photos, fewer), fingerprint(photos, photos)) == (
        "p3.jpg is new among the photos to validate on"
    )


def test_other_classes_are_named(photos: Photos) -> None:
    assert changed(photos, replace(photos, class_names=("ant", "cat"))) == (
        "the classes were ant, bee, and are ant, cat"
    )


def test_of_many_changes_the_first_are_named(photos: Photos) -> None:
    boxes = tuple(each + 1 for each in photos.boxes)
    said = changed(photos, replace(photos, boxes=boxes, class_names=("ant", "cat")))
    assert said.endswith("p1.jpg has other boxes and 2 more changes")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_waited_for(photos: Photos) -> None:
    before = fingerprint(photos, None)
    path = Path(photos.paths[1])
    path.unlink()
    os.mkfifo(path)
    assert changes(before, fingerprint(photos, None)) == "p1.jpg is another photo"
