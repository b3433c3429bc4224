"""The photos of annotations with what is to be found in them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from annotated import annotated, save_noise

import yolov3_models
from headlab.boxes.table import BoxTable
from headlab.errors import InputError
from headlab.evaluate.classes import matched_classes
from headlab.evaluate.photos import Photo, annotated_photos, box_remarks
from headlab.families.identify import identify

CLASSES = ("ant", "dog")  # the model knows ant, bee and cat


def photos(table: BoxTable, **options: bool) -> list[Photo]:
    layout = identify(yolov3_models.random_model())
    return annotated_photos(table, matched_classes(layout, table), **options)


@pytest.fixture
def table(tmp_path: Path) -> BoxTable:
    save_noise(tmp_path, ["a.png", "b.png"])
    lines = ["a.png 1,2,30,40,0 5,5,9,9,1", "b.png", "a.png 50,50,60,60,0", "none.png 1,1,9,9,0"]
    return annotated(tmp_path, lines, CLASSES)


def test_each_photo_once_with_the_boxes_of_evaluated_classes(table: BoxTable) -> None:
    found = photos(table)
    assert [photo.name for photo in found] == ["a.png", "b.png", "none.png"]
    assert found[0].truths.boxes_xyxy_px.tolist() == [[1, 2, 30, 40], [50, 50, 60, 60]]
    assert found[0].truths.class_id.tolist() == [0, 0]
    assert found[1].truths.boxes_xyxy_px.shape == (0, 4)
    assert [photo.unusable() for photo in found] == ["", "", "no such file"]
    assert found[0].size_wh_px == (128, 96)


def test_corners_are_put_right_and_boxes_without_area_left_out(table: BoxTable) -> None:
    boxes = table.boxes.with_columns(
        x1=pl.Series([30.0, 5.0, 50.0, 1.0]), x2=pl.Series([1.0, 9.0, 50.0, 9.0])
    )
    found = photos(replace(table, boxes=boxes))
    assert found[0].truths.boxes_xyxy_px.tolist() == [[1, 2, 30, 40]]


def test_difficult_boxes_are_crowds_unless_they_are_to_be_found(table: BoxTable) -> None:
    boxes = table.boxes.with_columns(
        difficult=pl.Series([True, False, False, False]),
        crowd=pl.Series([False, False, True, False]),
    )
    marked = replace(table, boxes=boxes)
    assert photos(marked)[0].truths.crowd.tolist() == [True, True]
    assert photos(marked, difficult=True)[0].truths.crowd.tolist() == [False, True]


def test_nothing_to_be_found_is_an_error(table: BoxTable) -> None:
    with pytest.raises(InputError, match="no boxes to be found"):
        photos(replace(table, boxes=table.boxes.clear()))
    with pytest.raises(InputError, match="no boxes to be found"):
        photos(replace(table, boxes=table.boxes.with_columns(crowd=pl.lit(True))))
    with pytest.raises(InputError, match="list no photos"):
        photos(replace(table, boxes=table.boxes.clear(), images=table.images.clear()))


def test_boxes_that_are_not_as_they_should_be_are_told(tmp_path: Path) -> None:
    save_noise(tmp_path, ["a.png", "b.png"])
    table = annotated(
        tmp_path,
        ["a.png 9,9,20,40,0 5,5,5,9,0", "b.png 30,9,20,40,0 9,9,9,9,1 5,8,9,8,0"],
        ("ant", "bee"),
    )
    assert box_remarks(table) == [
        f"3 boxes without an area were left out ({tmp_path}/train.txt:1, …)",
        f"1 box with swapped corners was put right ({tmp_path}/train.txt:2)",
    ]
