"""What a command prints as JSON is what the Python call of its name gives."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from one_command import run

import headlab
import headlab.demo
from headlab.cli.main import COMMANDS
from headlab.demo.guide import saved_model
from headlab.demo.scenes import CLASS_NAMES
from headlab.files.json_text import to_json

CALLS: dict[str, Callable[..., Any]] = {
    "inspect": headlab.Model.inspect,
    "edit": headlab.Model.edit,
    "diff": headlab.diff,
    "trace": headlab.Model.trace,
    "compare": headlab.compare,
    "convert": headlab.convert,
    "boxes check": headlab.boxes.check,
    "boxes stats": headlab.boxes.stats,
    "boxes convert": headlab.boxes.convert,
    "anchors fit": headlab.anchors.fit,
    "anchors check": headlab.anchors.check,
    "anchors per-class": headlab.anchors.per_class,
    "train": headlab.train.run,
    "evaluate": headlab.Model.evaluate,
    "demo": headlab.demo.tour,
}
"""The one call behind each command; docs/design.md has the same table with the folders."""

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's model, its class rows shifted, and two drawn scenes with their boxes."""
    made = tmp_path_factory.mktemp("calls")
    model = saved_model(made)
    model.edit(headlab.Shift(levels="P4", by=1)).save(made / "shifted.pt")
    lines = []
    for seed in range(2):
        scene = headlab.demo.draw_scene(seed, 160)
        importlib.import_module("PIL.Image").fromarray(scene.image).save(made / f"{seed}.png")
        boxes = zip(scene.boxes_xyxy_px.round().astype(int).tolist(), scene.classes, strict=True)
        words = [",".join(map(str, [*box, number])) for box, number in boxes]
        lines.append(" ".join([str(made / f"{seed}.png"), *words]))
    (made / "scenes.txt").write_text("\n".join(lines), "utf-8")
    (made / "classes.txt").write_text("\n".join(CLASS_NAMES), "utf-8")
    return made


def printed(*args: object) -> Any:
    done = run(*args, "--json")
    assert done.code in (0, 1), done.err
    return json.loads(done.out)


def document(result: Any) -> Any:
    return json.loads(to_json(result.to_dict()))


def test_every_command_has_a_call() -> None:
    assert {name.split()[0] for name in CALLS} == set(COMMANDS)


def test_the_design_names_every_command_its_call_and_its_folder() -> None:
    text = (ROOT / "docs" / "design.md").read_text("utf-8")
    for name, call in CALLS.items():
        rows = [row for row in text.splitlines() if row.startswith(f"| `headlab {name}")]
        assert rows, name
        _, _, python, folder, _ = (cell.strip(" `") for cell in rows[0].split("|"))
        assert f"{call.__name__}(" in python, name
        assert (ROOT / "src" / "headlab" / folder).is_dir(), name


def test_inspect(folder: Path) -> None:
    model = headlab.load(folder / "demo.pt")
    found = printed("inspect", folder / "demo.pt", "--imgsz", "160,320", "--classes", "red cell")
    assert found == document(model.inspect(imgsz=(160, 320), classes=["red cell"]))


def test_edit(folder: Path) -> None:
    model = headlab.load(folder / "demo.pt")
    planned = printed("edit", folder / "demo.pt", "--shift", "P4=1", "--dry-run")
    assert planned == document(model.plan(headlab.Shift(levels="P4", by=1)))
    done = printed("edit", folder / "demo.pt", "--shift", "P4=1", "-o", folder / "again.pt")
    assert done["plan"] == planned
    assert (folder / "again.pt").read_bytes() == (folder / "shifted.pt").read_bytes()


def test_undo(folder: Path) -> None:
    by_command = printed("edit", folder / "shifted.pt", "--undo", "-o", folder / "r1.pt")
    by_call = document(headlab.undo(folder / "shifted.pt", folder / "r2.pt"))
    assert {**by_command, "output": ""} == {**by_call, "output": ""}
    assert (folder / "r1.pt").read_bytes() == (folder / "r2.pt").read_bytes()


def test_diff(folder: Path) -> None:
    models = folder / "demo.pt", folder / "shifted.pt"
    assert printed("diff", *models) == document(headlab.diff(*models))


def test_trace(folder: Path) -> None:
    model = headlab.load(folder / "demo.pt")
    options = ("--conf", "0.4", "--classes", "red cell,platelet", "--imgsz", "160")
    found = printed("trace", folder / "demo.pt", folder / "*.png", *options)
    made = model.trace(folder / "*.png", classes=["red cell", "platelet"], conf=0.4, imgsz=160)
    assert found == document(made)
    assert found["detections"]


def test_compare(folder: Path) -> None:
    models = folder / "demo.pt", folder / "shifted.pt"
    found = printed("compare", *models, folder / "0.png", "--match-iou", "0.6")
    assert found == document(headlab.compare(*models, folder / "0.png", match_iou=0.6))
    assert found["pairs"]


def test_evaluate(folder: Path) -> None:
    model = headlab.load(folder / "demo.pt")
    found = printed("evaluate", folder / "demo.pt", folder / "scenes.txt", "--max-det", "50")
    assert found == document(model.evaluate(folder / "scenes.txt", max_det=50))


@pytest.mark.parametrize("name", ["check", "stats"])
def test_boxes(name: str, folder: Path) -> None:
    data = folder / "scenes.txt"
    assert printed("boxes", name, data) == document(getattr(headlab.boxes, name)(data))


def test_boxes_convert(folder: Path) -> None:
    data = folder / "scenes.txt"
    by_command = printed("boxes", "convert", data, folder / "a.json", "--to", "coco")
    by_call = document(headlab.boxes.convert(data, folder / "b.json", to="coco"))
    assert by_command.keys() == by_call.keys()
    assert (folder / "a.json").read_text("utf-8") == (folder / "b.json").read_text("utf-8")


def test_anchors(folder: Path) -> None:
    data = folder / "scenes.txt"
    size = headlab.InputSize(160, resize="stretch")
    options = ("--imgsz", "160", "--resize", "stretch")
    fit = headlab.anchors.fit(data, k=4, imgsz=size)
    assert printed("anchors", "fit", data, "-k", "4", *options) == document(fit)
    file = fit.save(folder / "anchors.yaml")
    assert printed("anchors", "check", file, data, *options) == document(
        headlab.anchors.check(file, data, imgsz=size)
    )
    assert printed("anchors", "per-class", data, "-k", "4", *options) == document(
        headlab.anchors.per_class(data, k=4, imgsz=size)
    )
