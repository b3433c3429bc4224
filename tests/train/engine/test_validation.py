"""The validation after an epoch: its figures and its loss, against those computed another way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import headlab
from headlab.evaluate.photos import PhotoTruths
from headlab.evaluate.scoring import Detections, Truths, coco_figures
from headlab.train.configuration.config import TrainConfig
from headlab.train.data.batch import Batch, Collate, Sample
from headlab.train.data.photos import Photos
from headlab.train.engine.fabric import launched
from headlab.train.engine.validation import Validation, validate
from headlab.yolov3.loss import yolo_loss
from headlab.yolov3.loss_options import LossOptions
from headlab.yolov3.targets.assigner import Assigner
from yolov3_models import CLASS_NAMES, description, random_model, saved

DESCRIBED = description()
OPTIONS = LossOptions()
ASSIGNER = Assigner(DESCRIBED)
SIDE_PX = 96
# Of P4: stride 16, slots with the anchors 1, 2, 3.
STRIDE_PX = 16
ANCHORS = {1: (23, 27), 2: (37, 58), 3: (81, 82)}
PHOTOS = (
    [(16, 16, 48, 64, 0), (60, 40, 84, 80, 1)],
    [(30, 20, 70, 90, 1)],
    [],
    [(8, 8, 40, 40, 2), (50, 50, 90, 90, 0)],
    [(20, 30, 60, 80, 2)],
)
"""x1, y1, x2, y2, class of the truths of each photo."""

DETECTED: tuple[list[tuple[float, ...]], ...] = (
    [(18, 14, 50, 60, 0, 0.9), (60, 40, 84, 80, 0, 0.4)],
    [(30, 20, 70, 90, 1, 0.7), (2, 2, 30, 30, 1, 0.8)],
    [(10, 10, 60, 60, 2, 0.3)],
    [(8, 8, 40, 40, 2, 0.6), (40, 45, 92, 90, 0, 0.5)],
    [],
)
"""x1, y1, x2, y2, class, score of what is detected in each."""


def logit(value: float) -> float:
    value = max(value, 1e-7)
    return float(np.log(value / (1 - value)))


def outputs_of(photos: Sequence[int]) -> list[Tensor]:
    """What a network says that detects just DETECTED: raw outputs of P5 (3 x 3) and P4 (6 x 6).

    The centre is (cell + sigmoid(t)) * stride, the size anchor * exp(t), the score the product of two
    sigmoids; everything else scores sigmoid(-20) squared, 4e-18.
    """
    p5 = torch.full((len(photos), 24, 3, 3), -20.0)
    p4 = torch.full((len(photos), 3, 8, 6, 6), -20.0)
    for at, photo in enumerate(photos):
        for x1, y1, x2, y2, number, score in DETECTED[photo]:
            x, y = (x1 + x2) / 2 / STRIDE_PX, (y1 + y2) / 2 / STRIDE_PX
            column, row = int(x), int(y)
            width, height = ANCHORS[2]
            said = p4[at, 1, :, row, column]
            said[0], said[1] = logit(x - column), logit(y - row)
            said[2], said[3] = np.log((x2 - x1) / width), np.log((y2 - y1) / height)
            said[4], said[5 + int(number)] = logit(0.99), logit(score / 0.99)
    return [p5, p4.flatten(1, 2)]


def batch_of(photos: Sequence[int]) -> Batch:
    samples = [
        Sample(
            torch.full((3, SIDE_PX, SIDE_PX), photo, dtype=torch.uint8),
            torch.tensor(PHOTOS[photo], dtype=torch.float32).reshape(-1, 5),
            photo,
            ((f"p{photo}.jpg", "is no image"),) if photo == 2 else (),
            (SIDE_PX, SIDE_PX),
        )
        for photo in photos
    ]
    return Collate(ASSIGNER)(samples)


def write_voc(
    path: Path, name: str, boxes: Sequence[tuple[str, float, float, float, float, bool]]
) -> None:
    path.parent.mkdir(exist_ok=True)
    objects = "".join(
        f"<object><name>{kind}</name><difficult>{int(difficult)}</difficult><bndbox><xmin>{x1}</xmin>"
        f"<ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
        for kind, x1, y1, x2, y2, difficult in boxes
    )
    path.write_text(f"<annotation><filename>{name}</filename>{objects}</annotation>")


def photos_of(count: int = len(PHOTOS)) -> Photos:
    """The photos as a training has them; they are as large as the input."""
    boxes = [np.array(each, np.float32).reshape(-1, 5) for each in PHOTOS[:count]]
    return Photos(
        tuple(f"p{at}.jpg" for at in range(count)),
        tuple(boxes),
        CLASS_NAMES,
        tuple(
            PhotoTruths(
                each[:, :4].astype(np.float64),
                each[:, 4].astype(np.int64),
                np.zeros(len(each), np.bool_),
            )
            for each in boxes
        ),
    )


def network(images: Tensor) -> list[Tensor]:
    """Knows the photos by their colour."""
    return outputs_of((images[:, 0, 0, 0] * 255).round().int().tolist())


def validated(*, figures: bool) -> Validation:
    batches = [batch_of((0, 1)), batch_of((2, 3)), batch_of((4,))]
    with launched(TrainConfig(device="cpu")) as fabric:
        return validate(network, batches, fabric, OPTIONS, DESCRIBED, photos_of(), figures=figures)


def test_figures_are_those_of_the_boxes() -> None:
    found = validated(figures=True).figures
    truths = [(at, *each) for at, boxes in enumerate(PHOTOS) for each in boxes]
    rows = [(at, *each) for at, boxes in enumerate(DETECTED) for each in boxes]
    given, said = np.array(truths, np.float64), np.array(rows, np.float64)
    expected = coco_figures(
        Truths(
            np.full((5, 2), SIDE_PX),
            given[:, 0].astype(int),
            given[:, 1:5],
            given[:, 5].astype(int),
            np.zeros(len(given), bool),
        ),
        Detections(
            said[:, 0].astype(int),
            said[:, 1:5],
            said[:, 5].astype(int),
            said[:, 6],
            np.arange(len(said)),
        ),
        CLASS_NAMES,
    )
    assert found["AP50"] == pytest.approx(expected["AP50"], abs=1e-6)
    for name in ("AP", "AP75"):
        assert found[name] == pytest.approx(expected[name], abs=1e-6)
    for at, name in enumerate(CLASS_NAMES):
        assert found[f"AP50/{name}"] == pytest.approx(expected.ap50[at], abs=1e-6)


def test_average_precision_by_hand() -> None:
    """At IoU 0.5, of 101 recalls 0, 0.01, ... 1.

    ant: truths 2, detections by score right 0.9 (IoU 32*48 over: 1320/1688 = 0.78), right 0.5, wrong 0.4:
    precision is 1 up to recall 1. bee: truths 2, wrong 0.8, right 0.7: precision 1/2 up to recall 1/2,
    51 of 101. cat: truths 2, right 0.6, wrong 0.3: precision 1 up to recall 1/2, 51 of 101.
    """
    found = validated(figures=True).figures
    expected = {"ant": 1.0, "bee": 0.5 * 51 / 101, "cat": 51 / 101}
    for name, value in expected.items():
        assert found[f"AP50/{name}"] == pytest.approx(value, abs=1e-6)
    assert found["AP50"] == pytest.approx(sum(expected.values()) / 3, abs=1e-6)


def test_a_photo_that_is_listed_twice_counts_once() -> None:
    photos = photos_of(2)
    twice = replace(
        photos,
        paths=("p0.jpg", "p1.jpg", "p0.jpg"),
        boxes=(*photos.boxes, photos.boxes[0]),
        truths=(*photos.truths, photos.truths[0]),
    )
    batches = [batch_of((0, 1)), replace(batch_of((0,)), indices=(2,))]
    with launched(TrainConfig(device="cpu")) as fabric:
        once, again = (
            validate(network, some, fabric, OPTIONS, DESCRIBED, of, figures=True)
            for some, of in ((batches[:1], photos), (batches, twice))
        )
    assert again.figures == pytest.approx(once.figures, abs=0, nan_ok=True)


def test_the_loss_is_that_of_all_photos_in_one_batch() -> None:
    found = validated(figures=False)
    whole = batch_of(range(5))
    loss = yolo_loss(network(whole.images()), whole.targets, OPTIONS)
    assert found.terms.total == pytest.approx(float(loss.total), rel=1e-6)
    torch.testing.assert_close(
        torch.from_numpy(found.terms.by_class), loss.by_class().double(), rtol=1e-5, atol=1e-6
    )
    assert found.figures == {}
    assert found.failed == {"p2.jpg": "is no image"}


def test_without_a_truth_there_is_no_figure() -> None:
    with launched(TrainConfig(device="cpu")) as fabric:
        found: Any = validate(
            network, [batch_of((2,))], fabric, OPTIONS, DESCRIBED, photos_of(), figures=True
        )
    assert np.isnan(found.figures["AP50"])
    assert np.isfinite(found.terms.total)


@pytest.mark.parametrize("compat", [None, "keras-yolo3"])
def test_the_figures_are_those_of_evaluate(compat: str | None, tmp_path: Path) -> None:
    """Photos wider than high, truths half outside, difficult ones, and detections in the letterbox's grey."""
    start = saved(random_model(), tmp_path / "start.safetensors")
    (tmp_path / "names.txt").write_text("".join(f"{each}\n" for each in CLASS_NAMES))
    for at, (width, height) in enumerate([(160, 96), (96, 128), (128, 80)]):
        tiles = np.random.default_rng(at).integers(0, 255, (4, 6, 3), np.uint8)
        photo = Image.fromarray(tiles).resize((width, height), Image.Resampling.NEAREST)
        (tmp_path / "data/JPEGImages").mkdir(parents=True, exist_ok=True)
        photo.save(tmp_path / f"data/JPEGImages/{at}.png")
    model = headlab.load(start)
    found = model.trace(tmp_path / "data/JPEGImages", conf=0.02).table
    for (path,), rows in found.group_by("image"):
        boxes = [
            (
                row["class_name"],
                row["x1"],
                row["y1"],
                row["x2"] + 9 * (at % 4),
                row["y2"],
                at % 3 == 0,
            )
            for at, row in enumerate(rows.sort("score", descending=True).head(12).to_dicts())
        ]
        write_voc(tmp_path / "data/Annotations" / f"{Path(path).stem}.xml", Path(path).name, boxes)
    expected = model.evaluate(tmp_path / "data", names=CLASS_NAMES).figures.named()
    plan = headlab.train.plan(
        {"train": tmp_path / "data", "val": tmp_path / "data", "names": tmp_path / "names.txt"},
        output=tmp_path / "run",
        start=start,
        imgsz=96,
        batch=2,
        stage1={"epochs": 1, "lr": 1e-12},
        stage2={"epochs": 0},
        workers=0,
        device="cpu",
        compat=compat,
    )
    headlab.train.run(plan)
    row = headlab.train.read(tmp_path / "run").table.to_dicts()[0]
    assert 0.05 < expected["AP50"] < 0.95
    for name in ("AP", "AP50", "AP75", *(f"AP50/{each}" for each in CLASS_NAMES)):
        assert row[name] == pytest.approx(expected[name], abs=1e-3, nan_ok=True), name
