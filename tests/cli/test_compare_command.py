from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest
from one_command import run
from PIL import Image

import headlab

Small = Callable[..., Path]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed, name in enumerate(("a", "b")):
        coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
        cv2.imwrite(str(folder / f"{name}.png"), cv2.resize(coarse, (160, 128)))
    return folder


@pytest.fixture
def models(small: Small, tmp_path: Path) -> tuple[Path, Path]:
    before = small("yolov8", nc=5)
    shifts = [headlab.Shift(levels=(name,), by=by) for name, by in (("P4", 1), ("P5", 2))]
    return before, headlab.load(before).edit(*shifts).save(tmp_path / "after.pt").output


def test_the_manifest_tells_the_shifts(models: tuple[Path, Path], photos: Path) -> None:
    done = run("compare", *models, photos)
    assert done.code == 0
    assert "The class-shift experiment (P3 by 0, P4 by 1, P5 by 2)" in done.out


def test_a_recipe_tells_them_too(models: tuple[Path, Path], photos: Path, tmp_path: Path) -> None:
    (tmp_path / "after.pt.headlab.json").unlink()
    assert "experiment" not in run("compare", *models, photos).out
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("version: 1\noperations: [{op: shift, levels: [P4, P5], by: 1}]", "utf-8")
    done = run("compare", *models, photos, "--recipe", recipe)
    assert "P4 by 1, P5 by 1" in done.out
    recipe.write_text("version: 1\noperations: [{op: suppress, classes: ant}]", "utf-8")
    assert run("compare", *models, photos, "--recipe", recipe).code == 2


def test_files(models: tuple[Path, Path], photos: Path, tmp_path: Path) -> None:
    out = {name: tmp_path / f"pairs.{name}" for name in ("json", "csv", "parquet")}
    options = [text for path in out.values() for text in ("-o", path)]
    done = run("compare", *models, photos, *options, "--save", tmp_path / "pictures")
    assert done.code == 0
    document = json.loads(out["json"].read_text(encoding="utf-8"))
    pairs = pl.read_parquet(out["parquet"])
    assert len(document["pairs"]) == pairs.height == pl.read_csv(out["csv"]).height
    assert sum(document["counts"].values()) == pairs.height
    assert document["inference"]["shifts"] == {"P3": 0, "P4": 1, "P5": 2}
    assert document["inference"]["right"] == pairs["agrees"].sum()
    saved = sorted((tmp_path / "pictures").iterdir())
    assert [path.name for path in saved] == ["a_compare.png", "b_compare.png"]
    width, height = Image.open(saved[0]).size
    assert width > 2 * 160
    assert height > 128


def test_json_alone_on_standard_output(models: tuple[Path, Path], photos: Path) -> None:
    done = run("compare", *models, photos, "--json")
    assert set(json.loads(done.out)) == {
        *("before", "after", "settings", "counts", "inference", "images", "pairs", "skipped")
    }


def test_classes_and_skipped_photos(models: tuple[Path, Path], photos: Path) -> None:
    (photos / "broken.jpg").write_bytes(b"no photo")
    done = run("compare", *models, photos, "--classes", "ant", "--json")
    assert done.code == 1
    assert "skipped" in done.err
    assert "broken.jpg" in done.err
    for pair in json.loads(done.out)["pairs"]:
        assert (pair["before_class_name"] or pair["after_class_name"]) == "ant"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--classes", "unicorn"), "no class 'unicorn'"),
        (("--conf", "2"), "conf is 2.0"),
        (("-o", "-"), "say --json"),
    ],
)
def test_wrong_arguments(
    arguments: tuple[str, ...],
    message: str,
    models: tuple[Path, Path],
    photos: Path,
) -> None:
    done = run("compare", *models, photos, *arguments)
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err


def test_the_models_are_never_overwritten(models: tuple[Path, Path], photos: Path) -> None:
    before = models[1].read_bytes()
    assert run("compare", *models, photos, "-o", models[1]).code == 2
    assert models[1].read_bytes() == before


def test_bird_becomes_cow(yolov8n: Path, shared: Path, tmp_path: Path) -> None:
    after = tmp_path / "s.pt"
    assert run("edit", yolov8n, "--shift", "P4=1", "--shift", "P5=5", "-o", after).code == 0
    done = run("compare", yolov8n, after, shared / "photos" / "eagle.jpg")
    line = next(line for line in done.out.splitlines() if "bird" in line)
    assert line.split() == [
        "bird",
        "0.93",
        "P5",
        "cow",
        "0.93",
        "P5",
        "class",
        "changed",
        "1.00",
        "P5",
        "right",
    ]
