from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from photo_files import photo_set, write_photo

from headlab.boxes.reading import read
from headlab.errors import InputError
from headlab.train.data.photos import Photos, photos_of
from headlab.train.data.reading import read_rgb
from turned_photos import write_turned


def photos_from(folder: Path, *lines: str) -> tuple[Photos, tuple[str, ...]]:
    (folder / "classes.txt").write_text("ant\nbee\n")
    (folder / "train.txt").write_text("".join(f"{line}\n" for line in lines))
    return photos_of(read(folder / "train.txt"))


def test_boxes_are_those_of_the_annotations(tmp_path: Path) -> None:
    for name in "abc":
        write_photo(tmp_path / f"{name}.jpg")
    photos, notes = photos_from(tmp_path, "a.jpg 1,2,3,4,1 5,6,7,8,0", "b.jpg", "c.jpg 0,0,60,40,1")
    assert photos.paths == tuple(str(tmp_path / f"{name}.jpg") for name in "abc")
    assert [each.tolist() for each in photos.boxes] == [
        [[1, 2, 3, 4, 1], [5, 6, 7, 8, 0]],
        [],
        [[0, 0, 60, 40, 1]],
    ]
    assert [each.shape for each in photos.boxes] == [(2, 5), (0, 5), (1, 5)]
    assert {each.dtype for each in photos.boxes} == {np.dtype(np.float32)}
    assert (len(photos), photos.box_count, photos.class_names) == (3, 3, ("ant", "bee"))
    assert notes == ()


def test_what_cannot_be_learned_is_left_out_and_counted(tmp_path: Path) -> None:
    write_photo(tmp_path / "a.jpg", 60, 40)
    # no width; right corner first; right of x = 60; above y = 0; the last reaches beyond the edge
    boxes = "5,5,5,9,0 9,5,5,9,0 60,1,70,9,0 1,-9,9,0,1 50,30,70,50,1"
    photos, notes = photos_from(tmp_path, f"a.jpg {boxes}")
    assert photos.boxes[0].tolist() == [[50, 30, 70, 50, 1]]
    assert notes == (
        "2 boxes without area were left out.",
        "2 boxes outside the photo were left out.",
    )


def test_missing_photos_are_left_out_and_named(tmp_path: Path) -> None:
    write_photo(tmp_path / "b.jpg")
    photos, notes = photos_from(tmp_path, "a.jpg 1,2,3,4,1", "b.jpg 5,6,7,8,0", "c.jpg")
    assert photos.paths == (str(tmp_path / "b.jpg"),)
    assert [each.tolist() for each in photos.boxes] == [[[5, 6, 7, 8, 0]]]
    assert notes == (
        f"2 photos are missing and were left out: {tmp_path / 'a.jpg'}, {tmp_path / 'c.jpg'}.",
    )


def test_a_photo_that_cannot_be_decoded_stays(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no photo")
    write_photo(tmp_path / "b.jpg")
    photos, notes = photos_from(tmp_path, "a.jpg 1,2,3,4,1", "b.jpg 5,6,7,8,0")
    assert len(photos) == 2
    assert notes == ()


def test_no_photo_at_all_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        photos_from(tmp_path, "a.jpg 1,2,3,4,1", "b.jpg 1,2,3,4,1")
    assert error.value.message == (
        f"None of the 2 photos exists; the first was looked for at {tmp_path / 'a.jpg'}."
    )
    assert "--data.images" in error.value.hint


def test_crowds_are_left_out(tmp_path: Path) -> None:
    write_photo(tmp_path / "a.jpg")
    (tmp_path / "coco.json").write_text(
        '{"images": [{"id": 1, "file_name": "a.jpg", "width": 60, "height": 40}],'
        '"categories": [{"id": 7, "name": "ant"}], "annotations": ['
        '{"image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4], "iscrowd": 1},'
        '{"image_id": 1, "category_id": 7, "bbox": [10, 20, 5, 6], "iscrowd": 0}]}'
    )
    photos, notes = photos_of(read(tmp_path / "coco.json"))
    assert photos.boxes[0].tolist() == [[10, 20, 15, 26, 0]]
    assert notes == ("1 box of a crowd rather than one object was left out.",)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_turn_with_the_photo(tmp_path: Path, orientation: int) -> None:
    """White pixels of the photo as it is read are where the box is; it is drawn on the stored pixels."""
    write_turned(tmp_path / "a.jpg", orientation, (8, 16, 24, 40))
    photos, notes = photos_from(tmp_path, "a.jpg 8,16,24,40,1")
    rows, cols = np.nonzero(read_rgb(photos.paths[0])[..., 0] > 128)
    seen = [cols.min(), rows.min(), cols.max() + 1, rows.max() + 1]
    assert photos.boxes[0][0, :4].tolist() == seen
    note = "1 photo rotated by Exif: read upright, with the boxes rotated as well."
    assert notes == (() if orientation == 1 else (note,))


def test_the_fingerprint_is_of_names_boxes_and_classes(tmp_path: Path) -> None:
    first = photo_set(tmp_path / "one", 3)
    moved = photo_set(tmp_path / "two", 3)
    assert first.paths != moved.paths
    assert first.fingerprint == moved.fingerprint
    other_box = [each.copy() for each in first.boxes]
    other_box[1][0, 2] += 1
    others = (
        Photos(first.paths, tuple(other_box), first.class_names),
        Photos(first.paths, first.boxes, ("ant", "cat")),
        Photos((*first.paths[:2], "x.jpg"), first.boxes, first.class_names),
        Photos(first.paths[:2], first.boxes[:2], first.class_names),
    )
    assert len({first.fingerprint, *(each.fingerprint for each in others)}) == 5
