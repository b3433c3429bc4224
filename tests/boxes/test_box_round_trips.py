"""Write and read back: the same boxes, as far as a format can say them."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from small_photos import MakePhoto

from headlab.boxes import read
from headlab.boxes.formats.format import FORMAT_NAMES, FormatName
from headlab.boxes.formats.photo_links import plain_names
from headlab.boxes.table import BoxTable, Problem, boxes_frame, images_frame
from headlab.boxes.writing import write as write_table
from headlab.errors import HeadlabError, InputError, OutputError, UnknownName

WIDTH, HEIGHT = 640, 480
CORNERS = ["x1", "y1", "x2", "y2"]


def made(rows: list[tuple[int, int, tuple[float, ...]]], splits: list[str | None]) -> BoxTable:
    """A table from (image, class, corners) and the split of each image."""
    images = images_frame(
        [f"{at}.jpg" for at in range(len(splits))],
        width_px=[WIDTH] * len(splits),
        height_px=[HEIGHT] * len(splits),
        split=splits,
    )
    boxes = boxes_frame(
        [row[0] for row in rows],
        [row[1] for row in rows],
        np.array([row[2] for row in rows], float).reshape(-1, 4),
        images,
        file="made",
    )
    return BoxTable(boxes, images, ("cat", "fire truck", "犬"), (), "coco", (1, 7, 90))


def write(table: BoxTable, target: Path, to: FormatName, **options: Any) -> tuple[Problem, ...]:
    """Write a table; what the format cannot express."""
    return write_table(table, target, to, **options)[1]


def back(path: Path, format: FormatName) -> BoxTable:  # noqa: A002
    return read(path, format=format, assume_size=(HEIGHT, WIDTH))


def said(table: BoxTable) -> list[tuple[str | None, str, int]]:
    """Split, image's file name and class of each box, in an order that does not depend on the format."""
    named = table.boxes.join(table.images.select("image_id", "split"), on="image_id").select(
        "split", pl.col("image").str.replace(r"^.*/", ""), "class_id"
    )
    return sorted(named.rows(), key=str)


def corners(table: BoxTable) -> np.ndarray:
    ordered = table.boxes.with_columns(pl.col("image").str.replace(r"^.*/", ""))
    rounded = [pl.col(name).round(0).alias(f"by_{name}") for name in CORNERS]
    by = ["image", "class_id", *(f"by_{name}" for name in CORNERS)]
    return ordered.with_columns(rounded).sort(by).select(CORNERS).to_numpy()


BOX = st.tuples(
    st.integers(0, 1),
    st.integers(0, 2),
    st.tuples(
        st.integers(0, WIDTH // 2),
        st.integers(0, HEIGHT // 2),
        st.integers(1, 300),
        st.integers(1, 200),
    ).map(lambda xywh: (xywh[0], xywh[1], xywh[0] + xywh[2], xywh[1] + xywh[3])),
)


@pytest.mark.parametrize("format", FORMAT_NAMES)
@settings(max_examples=25, deadline=None)
@given(rows=st.lists(BOX, max_size=8, unique=True).map(sorted))
def test_whole_pixels_come_back(
    tmp_path_factory: pytest.TempPathFactory,
    format: FormatName,  # noqa: A002
    rows: list[tuple[int, int, tuple[float, ...]]],
) -> None:
    table = made(rows, ["train", "val"])
    out = tmp_path_factory.mktemp("out") / "out"
    losses = write(table, out, format, photos="none")
    assert not losses
    again = back(out, format) if format in ("yolo", "voc") else None
    if again is None:
        name = {"keras": "{}.txt", "coco": "instances_{}.json", "csv": "{}.csv"}[format]
        parts = [out / name.format(split) for split in ("train", "val")]
        again = read(parts, assume_size=(HEIGHT, WIDTH))
        splits = pl.col("split").str.replace("instances_", "")
        again = replace(again, images=again.images.with_columns(splits))
    assert said(again) == said(table)
    assert np.abs(corners(again) - corners(table)).max(initial=0) < 1e-4
    assert again.class_names == table.class_names


def test_fractions(tmp_path: Path) -> None:
    table = made([(0, 0, (10.25, 20.5, 30.75, 41.5))], ["train"])
    for format in ("voc", "coco", "yolo", "csv"):  # noqa: A001
        assert not write(table, tmp_path / format, format, photos="none")
        path = (
            tmp_path / format / {"coco": "instances_train.json", "csv": "train.csv"}.get(format, "")
        )
        # YOLO's eighth digit is worth 640 px x 1e-8 / 2 per term
        assert np.abs(corners(back(path, format)) - corners(table)).max() < 1e-5
    (loss,) = write(table, tmp_path / "keras.txt", "keras")
    assert loss.kind == "rounded"
    assert loss.message.startswith("1 of the boxes has corners in fractions of a pixel")
    # halves go to the even pixel: 20.5 to 20, 41.5 to 42
    assert (tmp_path / "keras.txt").read_text().split()[1] == "10,20,31,42,0"


def test_a_coco_file_keeps_its_numbers_and_flags(tmp_path: Path) -> None:
    table = made([(0, 1, (1, 2, 4, 6)), (1, 2, (1, 2, 3, 4))], [None, None])
    table = BoxTable(
        table.boxes.with_columns(crowd=pl.Series([True, False])),
        table.images.with_columns(source_id=pl.Series([40, 7])),
        table.class_names,
        (),
        "coco",
        table.category_ids,
    )
    assert not write(table, tmp_path / "x.json", "coco")
    content = json.loads((tmp_path / "x.json").read_text())
    assert [each["id"] for each in content["images"]] == [40, 7]
    assert content["categories"][1] == {"id": 7, "name": "fire truck"}
    assert content["annotations"][0] == {
        "id": 1,
        "image_id": 40,
        "category_id": 7,
        "bbox": [1, 2, 3, 4],  # x, y, 4 - 1, 6 - 2
        "area": 12,
        "iscrowd": 1,
    }
    again = read(tmp_path / "x.json")
    assert again.boxes.drop("file").equals(table.boxes.drop("file"))
    assert again.category_ids == (1, 7, 90)


@pytest.mark.parametrize("format", ["keras", "yolo", "voc", "csv"])
def test_crowds_are_left_out_with_a_warning(tmp_path: Path, format: FormatName) -> None:  # noqa: A002
    table = made([(0, 0, (1, 2, 30, 40)), (0, 1, (1, 2, 3, 4))], ["train"])
    crowd = table.boxes.with_columns(crowd=pl.Series([True, False]))
    table = BoxTable(crowd, table.images, table.class_names, (), "coco")
    losses = write(table, tmp_path / "out", format, photos="none")
    assert [each.kind for each in losses] == ["crowd"]
    path = tmp_path / "out" / {"keras": "train.txt", "csv": "train.csv"}.get(format, "")
    assert back(path, format).boxes.height == 1


def test_difficult_survives_in_voc_only(tmp_path: Path) -> None:
    table = made([(0, 0, (1, 2, 30, 40))], ["train"])
    hard = table.boxes.with_columns(difficult=pl.Series([True]))
    table = BoxTable(hard, table.images, table.class_names, (), "voc")
    assert not write(table, tmp_path / "voc", "voc", photos="none")
    assert read(tmp_path / "voc").boxes["difficult"].to_list() == [True]
    for format in ("keras", "yolo", "coco", "csv"):  # noqa: A001
        losses = write(table, tmp_path / format, format, photos="none")
        assert [each.kind for each in losses] == ["difficult"]


def test_yolo_cuts_at_the_edges(tmp_path: Path) -> None:
    rows = [(0, 0, (-10, 0, 20, 10)), (0, 0, (30, 40, 10, 20)), (0, 0, (700, 0, 720, 9))]
    losses = write(made(rows, ["train"]), tmp_path / "out", "yolo", photos="none")
    assert [(each.kind, each.message[:1]) for each in losses] == [("cut", "1"), ("empty-box", "1")]
    boxes = back(tmp_path / "out", "yolo").boxes.select(CORNERS)
    expected = [(0, 0, 20, 10), (10, 20, 30, 40)]  # swapped corners are put right
    assert np.allclose(boxes.to_numpy(), expected, atol=1e-4)


def test_ultralytics_reads_what_is_written(tmp_path: Path, photo: MakePhoto) -> None:
    from ultralytics.data.utils import check_det_dataset, verify_image_label

    photo("a.png", 64, 48)
    (tmp_path / "train.txt").write_text("a.png -1,0,65,20,0 1,2,30,40,1\n")
    table = read(tmp_path / "train.txt", names=["cat", "dog"])
    write(table, tmp_path / "out", "yolo")
    described = check_det_dataset(str(tmp_path / "out" / "data.yaml"), autodownload=False)
    assert described["names"] == {0: "cat", 1: "dog"}
    image = Path(described["train"]) / "a.png"
    label = str(image).replace("images", "labels").replace(".png", ".txt")
    found = verify_image_label((str(image), label, "", False, 2, 0, 0, False))
    assert found[1][:, 0].tolist() == [0, 1]
    assert not found[-1]


def test_photos_are_linked_copied_or_left(tmp_path: Path, photo: MakePhoto) -> None:
    source = photo("photos/a.png")
    (tmp_path / "train.txt").write_text("photos/a.png 1,2,3,4,0\nnone.png 1,2,3,4,0\n")
    table = read(tmp_path / "train.txt", names=["cat"], assume_size=(6, 8))
    for photos in ("link", "copy", "none"):
        losses = write(table, tmp_path / photos, "yolo", photos=photos)  # type: ignore[arg-type]
        kinds = [each.kind for each in losses]
        assert kinds == ([] if photos == "none" else ["missing-image"])
        placed = tmp_path / photos / "images" / "train" / "a.png"
        assert placed.is_symlink() == (photos == "link")
        assert placed.exists() == (photos != "none")
    assert (tmp_path / "link/images/train/a.png").resolve() == source.resolve()
    with Image.open(tmp_path / "copy/images/train/a.png") as image:
        assert image.size == (8, 6)


def test_a_coco_file_without_sizes_is_told(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("a.png 1,2,3,4,0\n")
    table = read(tmp_path / "train.txt", names=["cat"])
    (loss,) = write(table, tmp_path / "a.json", "coco")
    assert (loss.kind, loss.message[:36]) == (
        "unknown-size",
        "1 of the images has no known size, w",
    )


def test_names_that_would_meet_are_kept_apart() -> None:
    images = images_frame(["x/a.jpg", "y/a.png", "a.jpg", "x/a.jpg", "B.jpg", "b.png", "c"])
    names = plain_names(images).to_list()
    assert names[0] == names[3]  # the same image
    stems = [name.rsplit(".", 1)[0].lower() for name in [*names[:3], *names[4:]]]
    assert len(set(stems)) == len(stems)
    assert all("/" not in name for name in names)


@pytest.mark.parametrize("format", FORMAT_NAMES)
def test_nothing_of_others_is_overwritten(tmp_path: Path, format: FormatName) -> None:  # noqa: A002
    table = made([(0, 0, (1, 2, 30, 40))], ["train"])
    out = tmp_path / "out"
    write(table, out, format, photos="none")
    (out / "mine").write_text("mine")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    other = made([(0, 1, (1, 2, 3, 4))], ["train"])
    with pytest.raises(OutputError, match="already has"):
        write(other, out, format, photos="none")
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    write(other, out, format, photos="none", force=True)
    assert (out / "mine").read_text() == "mine"
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} != before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    table = made([(0, 0, (1, 2, 30, 40))], ["train"])
    unknown = table.images.with_columns(width_px=pl.lit(None, dtype=pl.Int64))
    table = BoxTable(table.boxes, unknown, table.class_names, (), "coco")
    with pytest.raises(InputError, match="sizes of 1 photos are unknown"):
        write(table, tmp_path / "out", "yolo")
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    table = made([(0, 0, (1, 2, 30, 40))], ["train"])
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is a file"):
        write(table, tmp_path / "file", "yolo")
    with pytest.raises(OutputError, match="no folder"):
        write(table, tmp_path / "none" / "x.txt", "keras")
    with pytest.raises(HeadlabError, match="cannot be written"):
        write(table, tmp_path / "none" / "x", "voc")
    with pytest.raises(UnknownName):
        write(table, tmp_path / "x", "xml")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="cannot be the name"):
        write(made([], ["../up"]), tmp_path / "x", "coco")
    with pytest.raises(InputError, match="no image"):
        write(made([], []), tmp_path / "x", "coco")


def test_what_is_written_can_be_read_by_others(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        write(made([(0, 0, (1, 2, 30, 40))], ["train"]), tmp_path / "out", "voc", photos="none")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o755
