"""Photos that Exif rotates, with boxes drawn on the stored pixels, are evaluated as upright ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from annotated import annotated, save_noise
from PIL import Image, ImageOps

import yolov3_models
from headlab.detect.settings import Settings as DetectorSettings
from headlab.detect.sources import Source
from headlab.evaluate.evaluation import evaluate
from headlab.evaluate.settings import Settings
from headlab.families.identify import identify
from headlab.families.network import runnable
from turned_photos import save_stored

ORIENTATIONS = {"a.png": 3, "b.png": 6}


def as_stored(box: list[int], upright_wh: tuple[int, int], orientation: int) -> list[int]:
    """With 6, upright (x, y) was stored as (y, W - x), W being the upright width; 3 is half a turn."""
    (x1, y1, x2, y2), (width, height) = box, upright_wh
    if orientation == 6:
        return [y1, width - x2, y2, width - x1]
    return [width - x2, height - y2, width - x1, height - y1]


def line(name: str, boxes: list[list[int]], classes: list[int]) -> str:
    words = (",".join(map(str, [*box, no])) for box, no in zip(boxes, classes, strict=True))
    return " ".join([name, *words])


def test_the_figures_are_those_of_upright_photos(tmp_path: Path) -> None:
    stored, upright = tmp_path / "stored", tmp_path / "upright"
    stored.mkdir()
    save_noise(upright, list(ORIENTATIONS))
    for name, orientation in ORIENTATIONS.items():
        with Image.open(upright / name) as photo:
            photo.load()
        save_stored(stored / name, photo, orientation)
        with Image.open(stored / name) as turned:
            ImageOps.exif_transpose(turned).save(upright / name)

    source = yolov3_models.random_model()
    model = runnable(source), identify(source)
    ready = model[0].detector(DetectorSettings(conf=0.05))
    lines: dict[Path, list[str]] = {upright: [], stored: []}
    for found in ready([Source.of_file(upright / name) for name in ORIENTATIONS]):
        name, size_wh = Path(found.source.name).name, found.image_bgr.shape[1::-1]
        rows = found.result.boxes.xyxy.round().int().tolist()
        large = [at for at, (x1, y1, x2, y2) in enumerate(rows) if min(x2 - x1, y2 - y1) > 4][:8]
        classes = [int(found.result.boxes.cls[at]) for at in large]
        boxes = [rows[at] for at in large]
        lines[upright].append(line(name, boxes, classes))
        boxes = [as_stored(box, size_wh, ORIENTATIONS[name]) for box in boxes]
        lines[stored].append(line(name, boxes, classes))

    settings = Settings(conf=0.05)
    expected, got = (
        evaluate(*model, annotated(folder, lines[folder], yolov3_models.CLASS_NAMES), settings)
        for folder in (upright, stored)
    )
    assert expected.figures["AP50"] > 0.1
    assert got.figures.values == pytest.approx(expected.figures.values, rel=0, abs=0, nan_ok=True)
    assert got.rows.equals(expected.rows)
    assert got.images.equals(expected.images)
    assert [expected.remarks, got.remarks] == [
        (),
        ("2 photos are rotated by Exif: read upright, and the boxes rotated as well",),
    ]
