"""A whole evaluation: its parts agree with one another, with NMS, and with pycocotools."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from annotated import annotated, save_noise
from scored_boxes import all_fates, by_pycocotools

import yolov3_models
from headlab.boxes.table import BoxTable
from headlab.detect.candidates import Candidates
from headlab.detect.nms import Suppression
from headlab.detect.settings import Settings as DetectorSettings
from headlab.detect.sources import Source
from headlab.errors import InputError, SourceError
from headlab.evaluate.evaluation import Evaluation, evaluate
from headlab.evaluate.matching import FOUND
from headlab.evaluate.scoring import coco_figures
from headlab.evaluate.settings import Settings
from headlab.evaluate.survivors import Groups, survivors
from headlab.families.identify import identify
from headlab.families.network import runnable
from headlab.heads.layout import Layout
from headlab.model import load

Small = Callable[..., Path]
PHOTOS = ("a.png", "b.jpg", "c.png")
LOOSE = Settings(conf=0.05)


@pytest.fixture(scope="module")
def yolov3() -> tuple[Any, Layout]:
    model = yolov3_models.random_model()
    return runnable(model), identify(model)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("photos")
    save_noise(made, PHOTOS)
    return made


def own_detections(network: Any, folder: Path, count: int) -> BoxTable:
    """Annotations that are detections of the model itself, so that it finds them."""
    ready = network.detector(DetectorSettings(conf=0.05, imgsz=96))
    lines = []
    for name, found in zip(
        PHOTOS, ready([Source.of_file(folder / name) for name in PHOTOS]), strict=True
    ):
        boxes = found.result.boxes
        large = ((boxes.xyxy[:, 2:] - boxes.xyxy[:, :2]).amin(1) > 4).nonzero().view(-1)[:count]
        rows = zip(boxes.xyxy[large].round().int().tolist(), boxes.cls[large].int(), strict=True)
        lines.append(
            " ".join([name, *(",".join(map(str, [*box, int(number)])) for box, number in rows)])
        )
    return annotated(folder, lines)


@pytest.fixture(scope="module")
def done(yolov3: tuple[Any, Layout], folder: Path) -> Evaluation:
    return evaluate(*yolov3, own_detections(yolov3[0], folder, 12), LOOSE)


def test_the_figures_are_those_of_coco(done: Evaluation) -> None:
    assert done.settings.iou == 0.45
    assert done.figures["AP50"] > 0.2
    again = coco_figures(done.truths, done.detections, done.classes.names)
    assert again.values == pytest.approx(done.figures.values, nan_ok=True)
    reference = by_pycocotools(done.truths, done.detections, 3)
    ours = np.nan_to_num(list(done.figures.values.values()), nan=-1)
    np.testing.assert_allclose(ours, reference.stats, atol=1e-6)


def test_levels_and_slots_share_the_recall(done: Evaluation) -> None:
    """Every truth that was found was found by one detection, which is from one place."""
    assert 0.2 < done.recall <= 1
    for rows in (done.by_level, done.by_slot):
        assert rows["recall"].sum() == pytest.approx(done.recall)
        for column in ("detections", "true_positives"):
            assert rows[column].sum() == done.rows[column][0]
    slots = done.by_slot.group_by("level", maintain_order=True).agg(pl.col("true_positives").sum())
    assert slots["true_positives"].to_list() == done.by_level["true_positives"].to_list()
    assert done.by_slot["place"].to_list() == ["P4/0", "P4/1", "P4/2", "P5/0", "P5/1", "P5/2"]
    classes = done.by_class_and_level.group_by("level", maintain_order=True)
    summed = classes.agg(pl.col("true_positives").sum())["true_positives"].to_list()
    assert summed == done.by_level["true_positives"].to_list()
    assert done.images["true_positives"].sum() == done.rows["true_positives"][0]


def test_a_place_alone_is_scored_as_coco_does(done: Evaluation) -> None:
    space = done.layout.addresses(96, 96)
    level = space.address_all(done.detections.flat).level
    for at, name in enumerate(done.layout.level_names):
        own = coco_figures(done.truths, done.detections.only(level == at), done.classes.names)
        row = done.by_level.row(by_predicate=pl.col("place") == name, named=True)
        assert row["AP"] == pytest.approx(own["AP"])
        assert row["AP50"] == pytest.approx(own["AP50"])


def test_without_a_level_nms_is_done_again(yolov3: tuple[Any, Layout], folder: Path) -> None:
    """The reference blanks the scores of the level's candidates and runs NMS on all of them."""
    network, layout = yolov3
    ready = network.detector(LOOSE.for_head(layout).forward())
    prediction = next(iter(ready([Source.of_file(folder / PHOTOS[0])])))
    groups = Groups.of(layout)
    found = survivors([Candidates.of(prediction, 0.01)], layout, LOOSE.for_head(layout), groups)
    nms = Suppression(3, conf=0.05, iou=0.45, max_det=300, multi_label=True)
    assert np.array_equal(nms(prediction.candidates)[1], found.rows.flat[found.whole])
    for at, name in enumerate(groups.names):
        blanked = prediction.candidates.clone()
        space = layout.addresses(*prediction.input_hw_px)
        where = space.address_all(np.arange(space.total))
        every = np.cumsum([0, *space.slots])[where.level] + where.slot
        blanked[4:, groups.members[at][every]] = 0
        rest = found.without[at]
        assert np.array_equal(nms(blanked)[1], found.rows.flat[rest]), name
        assert not groups.members[at][found.place[rest]].any()
    assert len(set(found.place[found.whole].tolist())) > 1


def test_what_is_lost_without_a_place(
    done: Evaluation, yolov3: tuple[Any, Layout], folder: Path
) -> None:
    """The figures of all detections less those of the detections that are made without it."""
    network, layout = yolov3
    settings = LOOSE.for_head(layout)
    ready = network.detector(settings.forward())
    groups = Groups.of(layout)
    photos = [
        Candidates.of(prediction, 0.05)
        for prediction in ready([Source.of_file(folder / name) for name in PHOTOS])
    ]
    made = survivors(photos, layout, settings, groups)
    truths = done.truths
    for at, name in enumerate(groups.names):
        rest = made.rows.only(made.without[at])
        figures = coco_figures(truths, rest, done.classes.names)
        found = int((all_fates(rest, truths).fate[:, 0] == FOUND).sum())
        row = done.rows.row(
            by_predicate=(pl.col("place") == name) & pl.col("class_id").is_null(), named=True
        )
        assert row["AP50_lost"] == pytest.approx(done.figures["AP50"] - figures["AP50"])
        assert row["AP_lost"] == pytest.approx(done.figures["AP"] - figures["AP"])
        assert row["recall_lost"] == pytest.approx(done.recall - found / truths.counted)
    assert max(done.by_level["recall_lost"]) > 0.1


@pytest.mark.parametrize("best", [True, False])
def test_best_class_or_every_class(best: bool, yolov3: tuple[Any, Layout], folder: Path) -> None:
    table = own_detections(yolov3[0], folder, 3)
    settings = Settings(conf=0.05, best_class=best, max_det=5000)
    flat = evaluate(*yolov3, table, settings).detections
    pairs = list(zip(flat.image.tolist(), flat.flat.tolist(), strict=True))
    assert (len(set(pairs)) == len(pairs)) == best


@pytest.mark.parametrize("kind", ["yolov8", "yolov8-seg", "yolo26"])
@pytest.mark.parametrize("end2end", [False, True])
def test_ultralytics_heads(kind: str, end2end: bool, small: Small, folder: Path) -> None:
    model = load(small(kind))
    table = own_detections(model.runnable, folder, 5)
    settings = Settings(imgsz=96, end2end=end2end)
    found = evaluate(model.runnable, model.layout, table, settings)
    assert found.settings.iou == 0.7
    assert found.figures["AP50"] > 0
    assert found.by_level["recall"].sum() == pytest.approx(found.recall)
    assert not found.by_slot.height
    assert any("no NMS" in each for each in found.remarks) == (end2end and kind == "yolo26")


def test_photos_that_cannot_be_read_are_skipped(
    yolov3: tuple[Any, Layout], folder: Path, tmp_path: Path
) -> None:
    save_noise(tmp_path, ["good.png"])
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff")
    lines = [f"{name} 1,1,50,60,0" for name in ("bad.jpg", "good.png", "gone.png", "text.md")]
    found = evaluate(*yolov3, annotated(tmp_path, lines), LOOSE)
    assert {Path(each.path).name: each.reason for each in found.skipped} == {
        "bad.jpg": "its header is cut off",
        "gone.png": "no such file",
        "text.md": "not a photo, by its name",
    }
    assert found.rows["truths"][0] == 1
    with pytest.raises(SourceError, match="None of the 2 annotated photos could be read: gone"):
        evaluate(*yolov3, annotated(tmp_path, [lines[2], lines[0]]), LOOSE)


def test_rotated_boxes_are_refused(small: Small, folder: Path, yolov3: tuple[Any, Layout]) -> None:
    model = load(small("yolov8-obb"))
    with pytest.raises(InputError, match="rotated boxes"):
        evaluate(model.runnable, model.layout, own_detections(yolov3[0], folder, 1))


def test_yolov8n_on_real_photos(yolov8n: Path, shared: Path, tmp_path: Path) -> None:
    """pycocotools gives the same figures; small things come from P3, large ones from P5."""
    from headlab.boxes.reading import read

    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
        for file in sorted((shared / "coco128" / kind / "train2017").iterdir())[:12]:
            (tmp_path / kind / file.name).write_bytes(file.read_bytes())
    model = load(yolov8n)
    found = evaluate(model.runnable, model.layout, read(tmp_path))
    reference = by_pycocotools(found.truths, found.detections, 80)
    ours = np.nan_to_num(list(found.figures.values.values()), nan=-1)
    np.testing.assert_allclose(ours, reference.stats, atol=1e-6)
    assert found.figures["AP50"] > 0.5
    lost = dict(found.by_level.select("place", "AP50_lost").iter_rows())
    assert lost["P5"] > 0.1 > lost["P3"]
