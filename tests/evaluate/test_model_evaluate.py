"""`Model.evaluate`: what it reads, what it refuses, and its result's manners."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest
from PIL import Image

import headlab
import yolov3_models
from headlab.boxes.reading import read
from headlab.errors import InputError
from headlab.evaluate.evaluation import Evaluation


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> headlab.Model:
    """A small YOLOv3-tiny with the classes ant, bee and cat."""
    folder = tmp_path_factory.mktemp("model")
    return headlab.load(yolov3_models.saved(yolov3_models.random_model(), folder / "small.weights"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photos of noise with annotations of keras-yolo3."""
    folder = tmp_path_factory.mktemp("data")
    for seed, name in enumerate(("a.png", "b.png")):
        noise = np.random.default_rng(seed).integers(0, 256, (96, 128, 3), np.uint8)
        cv2.imwrite(str(folder / name), noise)
    (folder / "classes.txt").write_text("ant\nbee\ncat\n")
    file = folder / "test.txt"
    file.write_text("a.png 10,10,60,60,0 20,30,100,90,1\nb.png 5,5,120,90,0\n")
    return file


@pytest.fixture(scope="module")
def done(model: headlab.Model, data: Path) -> Evaluation:
    return model.evaluate(data, conf=0.05)


def test_a_file_and_a_table_give_the_same(
    model: headlab.Model, data: Path, done: Evaluation
) -> None:
    of_table = model.evaluate(read(data), conf=0.05)
    assert of_table.rows.equals(done.rows)
    assert (done.data, of_table.data) == (str(data), "")
    assert of_table.to_dict() == {**done.to_dict(), "data": None}


def test_the_class_names_of_the_data_can_be_given(model: headlab.Model, data: Path) -> None:
    renamed = model.evaluate(data, names=["cat", "ant", "wasp"], conf=0.05)
    truths = dict(renamed.by_class.select("class_name", "truths").iter_rows())
    assert truths == {"ant": 1, "cat": 2}
    assert renamed.classes.unknown == {"wasp": 0}


def test_a_split_of_annotations_without_splits_is_refused(model: headlab.Model, data: Path) -> None:
    with pytest.raises(InputError, match=r"test\.txt: these annotations have no splits"):
        model.evaluate(data, split="val")


def test_progress_counts_the_photos(model: headlab.Model, data: Path) -> None:
    calls: list[tuple[int, int | None]] = []
    model.evaluate(data, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 2), (2, 2)]


def test_annotations_that_cannot_be_read_are_problems(
    model: headlab.Model, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "classes.txt").write_text("ant\nbee\ncat\n")
    text = data.read_text().replace("a.png", str(data.parent / "a.png"))
    (tmp_path / "t.txt").write_text(f"{text}{data.parent / 'a.png'} 1,2,three,4,0\n")
    done = model.evaluate(tmp_path / "t.txt")
    assert [(problem.line, problem.severity) for problem in done.problems] == [(3, "error")]
    assert [photo.reason for photo in done.skipped] == ["no such file"], "b.png is elsewhere"
    document = done.to_dict()
    assert [problem["line"] for problem in document["problems"]] == [3]
    assert len(document["skipped"]) == 1


def test_unknown_settings_are_refused(model: headlab.Model, data: Path) -> None:
    with pytest.raises(TypeError, match="agnostic_nms"):
        model.evaluate(data, agnostic_nms=True)  # type: ignore[call-arg]


def test_an_evaluation_has_the_manners_of_a_result(done: Evaluation, tmp_path: Path) -> None:
    assert done.table is done.rows
    ap, ap50 = done.figures["AP"], done.figures["AP50"]
    assert repr(done) == f"<Evaluation: AP {ap:.3f}, AP50 {ap50:.3f} on 2 photos>"
    assert pl.read_parquet(done.save(tmp_path / "r.parquet")).equals(done.rows)
    assert json.loads(done.save(tmp_path / "r.json").read_text("utf-8"))["recall_50"] == done.recall
    assert "2 photos; 3 truths of 2 classes" in str(done)


def test_a_notebook_shows_the_tables(done: Evaluation) -> None:
    page = done._repr_html_()
    assert page.count("<table>") == 5  # precision, recall, classes, levels, slots
    assert f"<td>{done.figures['AP50']:.3f}</td>" in page
    assert "2 photos; 3 truths of 2 classes" in page
    assert "background:#009e73" in page, "P5 in its colour"
    assert ">" not in page.split("<th>")[1][:2], "a mark of alignment is no part of a heading"


def test_the_figure(done: Evaluation, tmp_path: Path) -> None:
    figure = done.plot()
    classes, shares, levels = figure.axes
    assert [label.get_text() for label in classes.get_yticklabels()] == ["ant (2)", "bee (1)"]
    widths = [bar.get_width() for bar in classes.patches]
    expected = done.by_class.filter(pl.col("truths") > 0)
    assert widths == [*expected["AP50"], *expected["AP"]]
    drawn = np.asarray(shares.images[0].get_array())
    assert drawn.shape == (2, 2)
    assert drawn.sum(1) == pytest.approx(expected["recall"].to_numpy())
    assert [label.get_text() for label in levels.get_xticklabels()] == ["P4/16", "P5/32"]
    heights = [bar.get_height() for bar in levels.patches]
    assert heights == [*done.by_level["AP50"], *done.by_level["AP50_lost"]]
    with Image.open(done.save(tmp_path / "f.png")) as image:
        assert image.width > image.height
    assert "<svg" in done.save(tmp_path / "f.svg").read_text("utf-8")
