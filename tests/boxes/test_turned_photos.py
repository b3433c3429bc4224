"""Boxes drawn on the stored pixels of photos that Exif turns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from headlab.boxes import BoxTable, read
from headlab.boxes.exif_rotation import upright, upright_table
from headlab.boxes.formats.format import FormatName
from headlab.boxes.photos.headers import Header
from headlab.boxes.writing import write
from turned_photos import write_turned

BOX = (8, 16, 24, 40)
STORED_WH, UPRIGHT_WH = (64, 48), (48, 64)


def corners(table: BoxTable) -> list[tuple[float, ...]]:
    return table.boxes.select("x1", "y1", "x2", "y2").rows()


def sizes(table: BoxTable) -> list[tuple[int, ...]]:
    return table.images.select("width_px", "height_px").rows()


def keras(folder: Path, *lines: str) -> BoxTable:
    (folder / "train.txt").write_text("".join(f"{line}\n" for line in lines))
    return read(folder / "train.txt", names=["ant", "bee"])


def coco(folder: Path, wh: tuple[int | None, int | None]) -> BoxTable:
    x1, y1, x2, y2 = BOX
    made = {
        "images": [{"id": 1, "file_name": "a.png", "width": wh[0], "height": wh[1]}],
        "categories": [{"id": 7, "name": "ant"}],
        "annotations": [{"image_id": 1, "category_id": 7, "bbox": [x1, y1, x2 - x1, y2 - y1]}],
    }
    (folder / "coco.json").write_text(json.dumps(made))
    return read(folder / "coco.json")


def voc(folder: Path, wh: tuple[int, int]) -> BoxTable:
    names = zip(("xmin", "ymin", "xmax", "ymax"), BOX, strict=True)
    box = "".join(f"<{name}>{at}</{name}>" for name, at in names)
    (folder / "Annotations").mkdir()
    (folder / "Annotations" / "a.xml").write_text(
        f"<annotation><filename>a.png</filename><size><width>{wh[0]}</width><height>{wh[1]}</height></size>"
        f"<object><name>ant</name><bndbox>{box}</bndbox></object></annotation>"
    )
    return read(folder, images=folder)


def test_a_quarter_turn() -> None:
    # Stored 64 x 48, orientation 6: (x, y) becomes (48 - y, x), so 8,16,24,40 becomes 8,8,32,24.
    assert upright(np.array([[8.0, 16, 24, 40]]), STORED_WH, 6).tolist() == [[8, 8, 32, 24]]


def test_each_box_turns_with_its_own_photo() -> None:
    # Orientation 3 on 100 x 50: (x, y) becomes (100 - x, 50 - y). Orientation 8 on 64 x 48: (y, 64 - x).
    boxes = np.array([[1.0, 2, 3, 4], [8, 16, 24, 40], [1, 2, 3, 4]])
    turned = upright(boxes, np.array([(100, 50), STORED_WH, (9, 9)]), np.array([3, 8, 1]))
    assert turned.tolist() == [[97, 46, 99, 48], [16, 40, 40, 56], [1, 2, 3, 4]]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_keras_boxes_are_of_the_stored_pixels(tmp_path: Path, orientation: int) -> None:
    """Where Pillow's upright photo is white, there is the box."""
    write_turned(tmp_path / "a.png", orientation, BOX)
    table, turned = upright_table(keras(tmp_path, "a.png 8,16,24,40,1"))
    with Image.open(tmp_path / "a.png") as stored:
        shown = ImageOps.exif_transpose(stored)
    rows, cols = np.nonzero(np.asarray(shown)[..., 0] > 128)
    assert corners(table) == [(cols.min(), rows.min(), cols.max() + 1, rows.max() + 1)]
    assert sizes(table) == [shown.size]
    assert turned == (orientation != 1)


def test_only_turned_photos_change_and_each_counts_once(tmp_path: Path) -> None:
    for name, orientation in (("a", 1), ("b", 6), ("c", 3)):
        write_turned(tmp_path / f"{name}.png", orientation, BOX)
    lines = (
        "b.png 8,16,24,40,1",
        "a.png 8,16,24,40,0 1,2,3,4,0",
        "none.png 8,16,24,40,0",
        "c.png 8,16,24,40,1",
        "b.png 0,0,64,48,0",  # one photo with the first line
    )
    given = keras(tmp_path, *lines)
    table, turned = upright_table(given)
    # c: (64 - 24, 48 - 40, 64 - 8, 48 - 16)
    as_given = [(8, 16, 24, 40), (1, 2, 3, 4), (8, 16, 24, 40)]
    assert corners(table) == [(8, 8, 32, 24), (0, 0, 48, 64), *as_given, (40, 8, 56, 32)]
    assert sizes(table) == [UPRIGHT_WH, STORED_WH, (None, None), STORED_WH]  # b.png counts once
    assert turned == 2
    others = [name for name in given.boxes.columns if name not in ("x1", "y1", "x2", "y2")]
    assert table.boxes.select(others).equals(given.boxes.select(others))
    assert table.boxes.schema == given.boxes.schema
    assert table.images.schema == given.images.schema


@pytest.mark.parametrize(
    ("orientation", "stated", "expected"),
    [
        (6, STORED_WH, (8, 8, 32, 24)),  # drawn on the stored pixels
        (6, UPRIGHT_WH, BOX),
        (6, (None, None), BOX),  # it does not say
        (6, (99, 99), BOX),
        (3, STORED_WH, BOX),  # both sizes are the same
        (1, STORED_WH, BOX),
    ],
)
def test_the_stated_size_tells_how_coco_was_drawn(
    tmp_path: Path, orientation: int, stated: tuple[int, int], expected: Sequence[int]
) -> None:
    write_turned(tmp_path / "a.png", orientation, BOX)
    given = coco(tmp_path, stated)
    table, turned = upright_table(given)
    assert corners(table) == [expected]
    assert turned == (expected != BOX)
    assert sizes(table) == ([UPRIGHT_WH] if turned else sizes(given))


@pytest.mark.parametrize("stated", [STORED_WH, UPRIGHT_WH])
def test_the_stated_size_tells_how_voc_was_drawn(tmp_path: Path, stated: tuple[int, int]) -> None:
    write_turned(tmp_path / "a.png", 6, BOX)
    given = voc(tmp_path, stated)
    (given_box,) = corners(given)
    table, turned = upright_table(given)
    if stated == STORED_WH:
        assert corners(table) == [tuple(upright(np.array([given_box]), STORED_WH, 6)[0])]
    else:
        assert corners(table) == [given_box]
    assert turned == (stated == STORED_WH)
    assert sizes(table) == [UPRIGHT_WH]


def test_headers_that_are_known_are_not_read(tmp_path: Path) -> None:
    table = keras(tmp_path, "none.png 8,16,24,40,1")
    turned, count = upright_table(table, [Header(*STORED_WH, 6)])
    assert (corners(turned), count) == ([(8, 8, 32, 24)], 1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("to", ["yolo", "voc", "coco"])
def test_convert_puts_boxes_where_the_target_is_read(
    tmp_path: Path, orientation: int, to: FormatName
) -> None:
    """keras-yolo3's boxes are on the stored pixels; readers of the others rotate the photo."""
    write_turned(tmp_path / "a.png", orientation, BOX)
    given = keras(tmp_path, "a.png 8,16,24,40,1")
    _, lost = write(given, tmp_path / "out", to, photos="copy")
    assert [problem.kind for problem in lost] == (["rotated"] if orientation > 1 else [])
    out = tmp_path / "out" / "annotations.json" if to == "coco" else tmp_path / "out"
    again = read(out, images=tmp_path) if to == "coco" else read(out)
    with Image.open(tmp_path / "a.png") as stored:
        shown = ImageOps.exif_transpose(stored)
    rows, cols = np.nonzero(np.asarray(shown)[..., 0] > 128)
    white = (cols.min(), rows.min(), cols.max() + 1, rows.max() + 1)
    assert np.allclose(corners(again), [white], atol=1e-4)
    assert sizes(again) == [shown.size]
    assert upright_table(again)[1] == 0
    # and back: keras-yolo3 reads the photo as it is stored
    write(again, tmp_path / "back.txt", "keras")
    assert corners(read(tmp_path / "back.txt")) == [BOX]


def test_convert_from_keras_to_keras_changes_nothing(tmp_path: Path) -> None:
    write_turned(tmp_path / "a.png", 6, BOX)
    assert not write(keras(tmp_path, "a.png 8,16,24,40,1"), tmp_path / "b.txt", "keras")[1]
    assert corners(read(tmp_path / "b.txt")) == [BOX]


def test_boxes_of_coco_on_stored_pixels_stay_there_for_keras(tmp_path: Path) -> None:
    write_turned(tmp_path / "a.png", 6, BOX)
    assert not write(coco(tmp_path, STORED_WH), tmp_path / "b.txt", "keras")[1]
    assert corners(read(tmp_path / "b.txt")) == [BOX]
    write(coco(tmp_path, STORED_WH), tmp_path / "y", "yolo")
    assert np.allclose(corners(read(tmp_path / "y")), [(8, 8, 32, 24)], atol=1e-4)
