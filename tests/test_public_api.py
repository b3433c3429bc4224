"""The public interface, name by name: a change here is a change for users."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest
from rich.console import Console

import headlab
from headlab.errors import CheckpointError, RecipeError

Small = Callable[..., Path]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    coarse = np.random.default_rng(5).integers(0, 256, (6, 6, 3), np.uint8)
    cv2.imwrite(str(path), cv2.resize(coarse, (160, 128)))
    return path


def test_names() -> None:
    operations = {
        *("Bias", "Copy", "Drop", "Keep", "Permute", "Rename", "Reorder"),
        *("Scale", "Shift", "Suppress", "Swap", "Thresholds"),
    }
    others = {
        "Converted",
        "Differences",
        "Comparison",
        "DetectionSettings",
        "Evaluation",
        "EvaluationSettings",
        "HeadlabError",
        "Inspection",
        "InputSize",
        "Model",
        "Plan",
        "Recipe",
        "Restored",
        "Saved",
        "Trace",
        "anchors",
        "boxes",
        "compare",
        "convert",
        "diff",
        "load",
        "train",
        "undo",
    }
    assert set(headlab.__all__) == operations | others | {"__version__"}
    assert set(dir(headlab)) == set(headlab.__all__)
    for name in headlab.__all__:
        assert getattr(headlab, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'frobnicate'"):
        _ = headlab.frobnicate


def test_packages_need_no_import_of_their_own() -> None:
    shown = "import headlab; print(headlab.boxes.__all__, headlab.anchors.__all__)"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        "['BoxTable', 'ConvertedBoxes', 'Findings', 'Problem', 'SizeStats', 'check', 'convert', 'read', "
        "'stats'] ['AnchorCheck', 'AnchorFit', 'AnchorsPerClass', 'check', 'fit', 'per_class']"
    )


def test_signatures() -> None:
    def names(function: Callable[..., object]) -> list[str]:
        return list(inspect.signature(function).parameters)

    assert names(headlab.load) == ["path", "cfg", "names", "anchors", "strict"]
    assert names(headlab.convert) == [
        *("source", "target", "cfg", "names", "anchors", "batch_norm_epsilon", "imgsz", "force")
    ]
    assert names(headlab.compare) == [
        *("model_a", "model_b", "sources", "recipe", "classes", "match_iou", "stream"),
        *("progress", "settings"),
    ]
    assert names(headlab.InputSize) == ["imgsz", "resize", "units", "assume_size"]
    assert names(headlab.boxes.read) == [
        *("path", "format", "names", "images", "split", "encoding", "assume_size")
    ]
    assert names(headlab.boxes.check) == ["data", "photos", "deep", "assume_size", "settings"]
    assert names(headlab.boxes.stats) == ["data", "imgsz", "levels", "anchors", "settings"]
    assert names(headlab.boxes.convert) == [
        *("data", "target", "to", "photos", "force", "assume_size", "settings")
    ]
    assert names(headlab.anchors.fit) == [
        *("data", "k", "imgsz", "objective", "weights", "levels", "assign", "restarts", "most_k"),
        *("seed", "progress", "settings"),
    ]
    assert names(headlab.anchors.check) == [
        "anchors",
        "data",
        "imgsz",
        "levels",
        "seed",
        "settings",
    ]
    assert names(headlab.anchors.per_class) == [
        *("data", "k", "imgsz", "levels", "seed", "progress", "settings")
    ]
    assert names(headlab.diff) == ["model_a", "model_b"]
    assert names(headlab.undo) == ["model", "output", "in_place"]
    assert names(headlab.Model.inspect) == ["self", "imgsz", "classes", "params", "explain"]
    assert names(headlab.Model.plan) == ["self", "edits"]
    assert names(headlab.Model.edit) == ["self", "edits"]
    assert names(headlab.Model.save) == ["self", "path", "in_place"]
    assert names(headlab.Model.trace) == [
        *("self", "sources", "classes", "stream", "progress", "settings")
    ]
    assert names(headlab.Model.evaluate) == [
        *("self", "data", "format", "images", "names", "split", "encoding", "assume_size"),
        *("progress", "settings"),
    ]
    public = {name for name in vars(headlab.Model) if not name.startswith("_")}
    values = {"path", "layout", "class_names", "network", "runnable"}
    assert public == values | {"edit", "evaluate", "inspect", "plan", "save", "trace"}


def test_an_editor_can_complete_the_settings() -> None:
    for function, settings in (
        (headlab.Model.trace, "DetectionSettings"),
        (headlab.compare, "DetectionSettings"),
        (headlab.Model.evaluate, "EvaluationSettings"),
    ):
        parameter = inspect.signature(function).parameters["settings"]
        assert parameter.annotation == f"Unpack[{settings}]"
        text = function.__doc__ or ""
        names = getattr(headlab, settings).__annotations__
        assert "as of `Model.trace`" in text or all(f"`{name}`" in text for name in names)


def test_load_edit_save_trace_compare(small: Small, photo: Path, tmp_path: Path) -> None:
    model = headlab.load(small("yolov8", nc=5))
    assert model.layout.level_names == ("P3", "P4", "P5")
    shifted = model.edit(
        headlab.Shift(levels=("P4",), by=1), {"op": "shift", "levels": "P5", "by": 2}
    )
    assert model.recipes == ()
    assert [each.op for each in shifted.recipes[0].operations] == ["shift", "shift"]

    saved = shifted.save(tmp_path / "shifted.pt")
    again = headlab.load(saved.output)
    assert again.trace(photo).detections.equals(shifted.trace(photo).detections)

    for after in (shifted, again, saved.output):
        done = headlab.compare(model, after, photo)
        assert done.shifts == {"P3": 0, "P4": 1, "P5": 2}
        same = [
            pl.col(f"before_{each}") == pl.col(f"after_{each}") for each in ("level", "row", "col")
        ]
        assert done.pairs.filter(same).height > 10
        assert done.pairs.filter(same)["agrees"].all(), "one candidate, shifted: no doubt is left"


def test_edits_in_a_row_keep_their_recipes(small: Small) -> None:
    model = headlab.load(small("yolov8", nc=5))
    twice = model.edit(headlab.Shift(by=1)).edit(headlab.Shift(by=-1))
    assert len(twice.recipes) == 2
    for level in model.layout.levels:
        name = level.class_rows[0].weight
        assert np.array_equal(twice.checkpoint.array(name), model.checkpoint.array(name))


@pytest.mark.parametrize("wrap", [lambda made: made, lambda made: headlab.Recipe((made,))])
def test_edits_made_in_python_are_checked(
    small: Small, wrap: Callable[..., headlab.Recipe]
) -> None:
    model = headlab.load(small("yolov8", nc=5))
    with pytest.raises(RecipeError, match=r"levels\.0: .*valid string"):
        model.edit(wrap(headlab.Shift(levels=(4,), by=1)))
    shifted = model.edit(wrap(headlab.Shift(levels="P4", by=1)))
    assert shifted.recipes == (headlab.Recipe((headlab.Shift(levels=("P4",), by=1),)),)


def test_classes_are_named_or_numbered(small: Small, photo: Path) -> None:
    model = headlab.load(small("yolov8"))
    by_name = model.trace(photo, classes=["bee", 2]).detections
    everything = model.trace(photo, conf=0.25).detections
    assert set(by_name["class_name"]) <= {"bee", "cat"}
    assert by_name.height <= everything.height


def test_kept_model_traces_before_it_is_saved(small: Small, photo: Path, tmp_path: Path) -> None:
    model = headlab.load(small("yolov8", nc=5, half=False))
    kept = model.edit(headlab.Keep(classes=("dog", "ant")))
    assert kept.class_names == ("ant", "dog")
    saved = kept.save(tmp_path / "kept.pt").output
    scores = [each.trace(photo).detections["score"] for each in (kept, headlab.load(saved))]
    assert scores[0].equals(scores[1])


def test_comparison_knows_shifts_only_where_there_was_nothing_else(
    small: Small, photo: Path
) -> None:
    model = headlab.load(small("yolov8", nc=5))
    mixed = model.edit(headlab.Shift(levels=("P4",), by=1), headlab.Scale(levels=("P3",), factor=2))
    assert headlab.compare(model, mixed, photo).shifts is None
    with pytest.raises(RecipeError, match="more than shifts"):
        headlab.compare(model, mixed, photo, recipe=mixed.recipes[0])


def test_results_show_themselves(small: Small, photo: Path) -> None:
    model = headlab.load(small("yolov8", nc=5))
    traced = model.trace(photo)
    compared = headlab.compare(model, model.edit(headlab.Shift(levels=("P4",), by=1)), photo)
    for result in (traced, compared):
        console = Console(width=100, record=True, file=None, quiet=False)
        with console.capture() as captured:
            console.print(result)
        assert "P4" in captured.get()
        assert result._repr_html_().startswith("<table")
    assert isinstance(traced.detections, pl.DataFrame)
    assert repr(model).startswith("<Model yolov8-5-0.pt: Detect P3 P4 P5, 5 classes")
    assert "model.22.cv3.0" in model._repr_html_()


def test_errors_share_one_base(tmp_path: Path) -> None:
    with pytest.raises(headlab.HeadlabError):
        headlab.load(tmp_path / "missing.pt")
    with pytest.raises(CheckpointError, match="no such file"):
        headlab.load(tmp_path / "missing.pt")
