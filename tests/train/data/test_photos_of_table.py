from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from photo_files import write_photo

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
        f"1 box whose right or lower corner comes first was left out ({tmp_path}/train.txt:1).",
        f"1 box without area was left out ({tmp_path}/train.txt:1).",
        f"2 boxes outside the photo were left out ({tmp_path}/train.txt:1, …).",
    )


def test_boxes_of_less_than_a_pixel_in_the_input_are_named(tmp_path: Path) -> None:
    write_photo(tmp_path / "a.jpg", 400, 300)
    write_photo(tmp_path / "b.jpg", 400, 300)
    (tmp_path / "classes.txt").write_text("ant\n")
    # An input of 96 px shrinks 400 px by 0.24: 4 px become 0.96 px, 5 px become 1.2 px.
    (tmp_path / "train.txt").write_text("a.jpg 0,0,400,5,0\nb.jpg 0,0,4,300,0 9,9,390,13,0\n")
    table = read(tmp_path / "train.txt")
    photos, notes = photos_of(table, input_hw_px=(96, 96))
    assert photos.box_count == 3
    assert notes == (
        f"2 boxes are at most 1 px wide or high in an input of 96 x 96 px ({tmp_path}/train.txt:2, …): "
        "augmentation drops them unless it enlarges them.",
    )
    assert photos_of(table, input_hw_px=(128, 128))[1] == ()


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("a.jpg 0.31,0.22,0.58,0.71,0 0,0,1,1,0", "pixels of the photos instead of fractions"),
        ("a.jpg 0,0,400,3,0 7,0,9,300,0", "larger --imgsz"),
    ],
)
def test_a_training_of_nothing_but_slivers_is_refused(line: str, hint: str, tmp_path: Path) -> None:
    write_photo(tmp_path / "a.jpg", 400, 300)
    (tmp_path / "classes.txt").write_text("ant\n")
    (tmp_path / "train.txt").write_text(line)
    with pytest.raises(InputError, match="All 2 boxes to train on are at most 1 px") as error:
        photos_of(read(tmp_path / "train.txt"), input_hw_px=(96, 96))
    assert "train.txt:1" in error.value.message
    assert hint in error.value.hint


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
