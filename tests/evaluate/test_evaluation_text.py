"""An evaluation shown: every number stands where its heading says."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from rich.console import Console

import yolov3_models
from headlab.boxes.reading import read
from headlab.evaluate.evaluation import Evaluation, evaluate
from headlab.evaluate.settings import Settings
from headlab.evaluate.text import evaluation_text
from headlab.families.identify import identify
from headlab.families.network import runnable
from headlab.files.json_text import to_json


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    folder = tmp_path_factory.mktemp("photos")
    noise = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
    cv2.imwrite(str(folder / "a.png"), noise)
    (folder / "train.txt").write_text("a.png 0,0,95,95,0 30,30,60,70,0 10,40,50,90,1\n")
    model = yolov3_models.random_model()
    settings = Settings(conf=0.05)
    table = read(folder / "train.txt")
    named = {"model": "small.weights", "data": "train.txt"}
    return evaluate(runnable(model), identify(model), table, settings, **named)


def shown(done: Evaluation, *, classes: bool = True) -> list[list[str]]:
    out = io.StringIO()
    console = Console(file=out, width=100)
    for part in evaluation_text(done, classes=classes):
        console.print(part)
    return [line.split() for line in out.getvalue().splitlines()]


def test_the_rows(done: Evaluation) -> None:
    lines = shown(done)
    row = next(words for words in lines if words[:1] == ["P5/32"])
    level = done.by_level.row(1, named=True)
    assert row[1:] == [
        str(level["true_positives"]),
        f"{level['recall']:.1%}",
        f"{level['AP']:.3f}",
        f"{level['AP50']:.3f}",
        f"{level['recall_lost']:.1%}",
        f"{level['AP_lost']:.3f}",
        f"{level['AP50_lost']:.3f}",
    ]
    slot = next(words for words in lines if words[:1] == ["P5/1"])
    assert slot[1] == "135x169"
    ant = next(words for words in lines if words[:1] == ["ant"])
    of_class = done.by_class.row(0, named=True)
    levels = done.by_class_and_level.filter(done.by_class_and_level["class_name"] == "ant")
    assert ant[1:] == [
        "2",
        f"{of_class['AP']:.3f}",
        f"{of_class['AP50']:.3f}",
        f"{of_class['recall']:.1%}",
        *(f"{each:.1%}" for each in levels["recall"]),
    ]
    assert lines[1][:2] == [f"{done.figures['AP']:.3f}", f"{done.figures['AP50']:.3f}"]


def test_classes_can_be_left_out(done: Evaluation) -> None:
    assert not any(words[:1] == ["ant"] for words in shown(done, classes=False))


def test_the_document_is_valid_json(done: Evaluation) -> None:
    document = done.to_dict()
    assert '"AP_small": null' in to_json(document) or done.figures["AP_small"] >= 0
    assert document["rows"][0]["recall"] == done.recall
    (remark,) = document["remarks"]
    assert remark.startswith("the annotations have no class names")
    assert (document["model"], document["data"]) == ("small.weights", "train.txt")
    assert (document["skipped"], document["problems"]) == ([], [])
