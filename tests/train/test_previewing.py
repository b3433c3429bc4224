"""A preview: what the network will see first, as a sheet and as rows."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from drawn_photos import draw_set, planned_on
from PIL import Image

import headlab
from headlab.errors import OutputError
from headlab.train.previewing import Preview


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> headlab.train.Plan:
    folder = tmp_path_factory.mktemp("preview")
    return planned_on(draw_set(folder / "data", 16), folder / "run", batch=4)


@pytest.fixture(scope="module")
def preview(plan: headlab.train.Plan) -> Preview:
    return headlab.train.preview(plan, 6)


def test_a_row_is_a_box_with_the_slot_that_answers_for_it(
    plan: headlab.train.Plan, preview: Preview
) -> None:
    assert [len(batch.indices) for batch in preview.batches] == [4, 4]  # 6 images of 2 batches
    numbers = [number for batch in preview.batches for number in batch.indices][:6]
    table = preview.table
    assert table.columns[:5] == ["image", "photo", "path", "class_id", "class_name"]
    assert table.height == sum(len(plan.train.boxes[number]) for number in numbers)
    assert table["path"].to_list() == [plan.train.paths[number] for number in table["photo"]]
    assert set(table["class_name"]) <= {"disc", "square"}
    answered = table.filter(pl.col("fate").is_in(["assigned", "moved"]))
    stride = pl.col("level").replace_strict({"P4": 16, "P5": 32}, return_dtype=pl.Int64)
    centre = answered.select(
        row=((pl.col("y1") + pl.col("y2")) / 2 / stride).floor().cast(pl.Int64),
        col=((pl.col("x1") + pl.col("x2")) / 2 / stride).floor().cast(pl.Int64),
    )
    assert centre.equals(answered.select("row", "col"))
    assert answered["anchor_w"].null_count() == 0


def test_it_shows_itself(preview: Preview) -> None:
    first, second = str(preview).splitlines()
    assert first == "6 images as the network sees them, 96 x 96 px"
    assert second.startswith(f"{preview.table.height} boxes: ")
    assert isinstance(preview.plot(), Image.Image)
    assert preview._repr_html_().startswith("<p>6 images")
    assert "data:image/png;base64," in preview.html()
    assert preview.notes == ()


def test_it_is_saved(preview: Preview, tmp_path: Path) -> None:
    with Image.open(preview.save(tmp_path / "fed.png")) as image:
        assert (image.format, image.size) == ("PNG", preview.plot().size)
    assert pl.read_parquet(preview.save(tmp_path / "fed.parquet")).equals(preview.table)
    document = json.loads(preview.save(tmp_path / "fed.json").read_text())
    assert [image["input_hw_px"] for image in document["images"]] == [[96, 96]] * 6
    assert len(document["boxes"]) == preview.table.height
    with pytest.raises(OutputError, match="training preview cannot be written in this format"):
        preview.save(tmp_path / "fed.jpg")


def test_without_boxes_the_columns_are_the_same(preview: Preview) -> None:
    empty = Preview((), preview.description)
    assert empty.table.schema == preview.table.schema
    assert empty.table.height == 0
