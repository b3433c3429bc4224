"""`headlab.compare`: streamed or at once the same, image by image, with pictures of both models."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest
from PIL import Image

import headlab
from headlab.comparison.compare import Comparison
from headlab.errors import InputError, SourceError

Small = Callable[..., Path]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two photos, and a file between them that is none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed, name in enumerate(("a.png", "c.png")):
        coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
        cv2.imwrite(str(folder / name), cv2.resize(coarse, (160, 128)))
    (folder / "b.png").write_bytes(b"no photo")
    return folder


@pytest.fixture
def models(small: Small) -> tuple[headlab.Model, headlab.Model]:
    model = headlab.load(small("yolov8", nc=5))
    shifts = [headlab.Shift(levels=(name,), by=by) for name, by in (("P4", 1), ("P5", 2))]
    return model, model.edit(*shifts)


@pytest.fixture
def comparison(models: tuple[headlab.Model, headlab.Model], photos: Path) -> Comparison:
    return headlab.compare(*models, photos)


def test_streamed_it_is_the_same(
    models: tuple[headlab.Model, headlab.Model], photos: Path, comparison: Comparison
) -> None:
    stream = headlab.compare(*models, photos, stream=True)
    images = list(stream)
    assert [Path(image.path).name for image in images] == ["a.png", "c.png"]
    assert [Path(source.path).name for source in stream.skipped] == ["b.png"]
    assert pl.concat([image.pairs for image in images]).equals(comparison.pairs)
    seen = []
    collected = headlab.compare(*models, photos, stream=True).collect(seen.append)
    assert collected.to_dict() == comparison.to_dict()
    assert [image.path for image in seen] == [image.path for image in images]
    assert collected.shifts == comparison.shifts == {"P3": 0, "P4": 1, "P5": 2}


def test_the_images_share_out_the_pairs(comparison: Comparison) -> None:
    assert len(comparison) == 2
    assert pl.concat([image.pairs for image in comparison]).equals(comparison.pairs)
    for image in comparison:
        assert sum(image.counts.values()) == image.pairs.height
    assert comparison[-1].path == comparison.before.images["image"][1]


def test_both_models_are_drawn_side_by_side(
    models: tuple[headlab.Model, headlab.Model],
    photos: Path,
    comparison: Comparison,
    tmp_path: Path,
) -> None:
    streamed = [image.plot() for image in headlab.compare(*models, photos, stream=True)]
    for image, picture in zip(comparison, streamed, strict=True):
        assert image.plot().tobytes() == picture.tobytes()
        assert picture.width > 2 * 160
    whole = comparison.plot()
    assert whole.height > 2 * min(streamed[0].height, 128)
    with Image.open(comparison.save(tmp_path / "out.png")) as saved:
        assert saved.size == whole.size
    alone = headlab.compare(*models, photos / "a.png")
    assert alone.plot().tobytes() == alone[0].plot().tobytes()
    named = comparison[0].draw(("one", "another")).image
    assert named.size == streamed[0].size
    assert named.tobytes() != streamed[0].tobytes()


def test_an_image_is_a_result_of_its_own(comparison: Comparison, tmp_path: Path) -> None:
    image = comparison[0]
    document = json.loads(image.save(tmp_path / "one.json").read_text("utf-8"))
    assert document["pairs"] == image.pairs.to_dicts()
    assert document["counts"] == image.counts
    assert "inferred" in str(image)
    assert str(image).startswith(f"{image.path}, ")
    assert image._repr_html_().startswith("<table")


def test_a_comparison_has_the_manners_of_a_result(comparison: Comparison, tmp_path: Path) -> None:
    assert comparison.table is comparison.pairs
    counts = ", ".join(f"{count} {kind}" for kind, count in comparison.counts.items())
    assert repr(comparison) == f"<Comparison: 2 images, {counts}>"
    assert pl.read_parquet(comparison.save(tmp_path / "p.parquet")).equals(comparison.pairs)
    assert "The class-shift experiment" in str(comparison)
    page = comparison.save(tmp_path / "p.html").read_text("utf-8")
    right, of = comparison.inference
    assert f"the class change names the level for {right} of {of}" in page
    document = comparison.to_dict()
    assert document["before"] == comparison.before.model
    assert document["after"] == f"{comparison.before.model} (edited)"
    assert [Path(source["path"]).name for source in document["skipped"]] == ["b.png"]


def test_progress_counts_each_image_once(
    models: tuple[headlab.Model, headlab.Model], photos: Path
) -> None:
    calls: list[tuple[int, int | None]] = []
    headlab.compare(*models, photos, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_classes_are_those_of_the_first_model(
    models: tuple[headlab.Model, headlab.Model], photos: Path
) -> None:
    for classes in ("ant", 0, ["ANT", "0"]):
        pairs = headlab.compare(*models, photos, classes=classes).pairs
        named = pairs.select(pl.coalesce("before_class_name", "after_class_name")).to_series()
        assert set(named) == {"ant"}


def test_what_is_wrong_is_said_at_the_call(
    models: tuple[headlab.Model, headlab.Model], photos: Path
) -> None:
    with pytest.raises(InputError, match="match_iou is 2"):
        headlab.compare("none.pt", "none.pt", photos, match_iou=2)
    with pytest.raises(InputError, match="no class 'unicorn'"):
        headlab.compare(*models, photos, classes=["unicorn"], stream=True)
    with pytest.raises(SourceError, match="None of the sources could be read"):
        headlab.compare(*models, photos / "b.png")


def test_images_in_memory_are_compared(
    models: tuple[headlab.Model, headlab.Model], photos: Path
) -> None:
    array = cv2.imread(str(photos / "a.png"))
    comparison = headlab.compare(*models, [array])
    of_file = headlab.compare(*models, photos / "a.png")
    assert comparison.pairs.drop("image").equals(of_file.pairs.drop("image"))
    assert comparison[0].path == "image0.jpg"
    assert len(comparison[0]) == comparison.pairs.height
    assert comparison.plot().tobytes() == of_file.plot().tobytes()
