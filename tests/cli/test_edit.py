"""`headlab edit`: what it prints, writes and refuses; and that ultralytics loads the result."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import models
from headlab.cli.main import app
from headlab.errors import HeadlabError
from headlab.families.read import read


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.detector(tmp_path_factory.mktemp("tiny"), nc=4)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["edit", *map(str, arguments)], catch_exceptions=True)


def done(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.output


def refused(*arguments: object) -> str:
    result = run(*arguments)
    assert isinstance(result.exception, HeadlabError), result.output + repr(result.exception)
    return str(result.exception)


def bias(path: Path, level: int) -> Any:
    return read(path).array(f"model.22.cv3.{level}.2.bias")


def test_shift_prints_what_it_did_and_what_comes_next(tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "s.pt"
    printed = done(tiny, "--shift", "P4=1", "--shift", "P5=-1", "-o", out)
    assert printed.splitlines() == [
        f"{tiny}: Detect, 4 classes, P3, P4, P5",
        "  P4  rows shifted by 1",
        "      one2many: model.22.cv3.1.2.weight and .bias, rows 0 to 3",
        "  P5  rows shifted by -1",
        "      one2many: model.22.cv3.2.2.weight and .bias, rows 0 to 3",
        f"wrote {out} ({out.stat().st_size:,} bytes)",
        f"wrote {out}.headlab.json",
        "next:",
        f"  headlab trace {out} PHOTO",
        f"  headlab diff {tiny} {out}",
        f"  headlab edit {out} --undo -o RESTORED",
    ]
    assert (bias(out, 0) == bias(tiny, 0)).all()
    assert (bias(out, 1) == np.roll(bias(tiny, 1), 1)).all()
    assert (bias(out, 2) == np.roll(bias(tiny, 2), -1)).all()


def test_a_negative_shift_of_all_levels(tiny: Path, tmp_path: Path) -> None:
    done(tiny, "--shift", "-1", "-o", tmp_path / "s.pt")
    assert (bias(tmp_path / "s.pt", 0) == np.roll(bias(tiny, 0), -1)).all()


def test_every_option_reaches_its_operation(tiny: Path, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("dog\nbee\ncat\nant\n", "utf-8")
    printed = done(
        *(tiny, "--permute", f"P3:@{names}", "--swap", "P4:ant=bee", "--copy", "P5:cat=dog"),
        *("--suppress", "P5:ant", "--scale", "P4:cat=0.5", "--bias", "P3:cat=-1"),
        *("--threshold", "P5:bee=0.5", "--at", "0.2", "--rename", "cat=tiger", "--dry-run"),
    )
    assert printed.splitlines() == [
        f"{tiny}: Detect, 4 classes, P3, P4, P5",
        "  P3  scores as: ant <- dog, dog <- ant; logits: cat x1 -1",
        "      one2many: model.22.cv3.0.2.weight and .bias, rows 0, 2 to 3",
        "  P4  scores as: ant <- bee, bee <- ant; logits: cat x0.5 +0",
        "      one2many: model.22.cv3.1.2.weight and .bias, rows 0 to 2",
        # logit(0.2) - logit(0.5) = ln(1/4) = -1.386
        "  P5  scores as: dog <- cat; logits: bee x1 -1.386; suppressed: ant",
        "      one2many: model.22.cv3.2.2.weight and .bias, rows 0 to 1, 3",
        "  names  2 cat -> tiger",
        "dry run: nothing was written",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["names.txt"]


def test_only_the_rows_that_change_are_named(tiny: Path, tmp_path: Path) -> None:
    printed = done(tiny, "--suppress", "P4:bee", "--dry-run")
    assert printed.splitlines()[1:] == [
        "  P4  suppressed: bee",
        "      one2many: model.22.cv3.1.2.weight and .bias, row 1",
        "dry run: nothing was written",
    ]
    dropped = done(tiny, "--drop", "bee", "--dry-run")
    assert "model.22.cv3.1.2.weight and .bias, rows 0 to 3\n" in dropped


def test_an_output_that_promises_another_format_is_refused(tiny: Path, tmp_path: Path) -> None:
    message = refused(tiny, "--shift", "P4=1", "-o", tmp_path / "out.onnx")
    assert "out.onnx: edit keeps the format" in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--keep", "--drop"])
def test_classes_are_kept_or_dropped(tiny: Path, tmp_path: Path, option: str) -> None:
    classes = "bee,dog" if option == "--keep" else "ant,cat"
    printed = done(tiny, option, classes, "-o", tmp_path / "k.pt")
    assert "  P3  2 of 4 class rows stay\n" in printed
    assert "  names  2 classes: bee, dog\n" in printed
    assert "cannot be undone: class rows were removed" in printed
    assert "--undo" not in printed
    assert read(tmp_path / "k.pt").class_names == ("bee", "dog")
    assert (bias(tmp_path / "k.pt", 1) == bias(tiny, 1)[[1, 3]]).all()


def test_reorder_and_keep_from_a_recipe(tiny: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "version: 1\noperations:\n  - {op: reorder, order: [dog, cat, bee, ant]}\n"
        "  - {op: keep, classes: [cat, dog]}\n",
        "utf-8",
    )
    done(tiny, "--recipe", recipe, "-o", tmp_path / "r.pt")
    assert read(tmp_path / "r.pt").class_names == ("dog", "cat")
    assert (bias(tmp_path / "r.pt", 0) == bias(tiny, 0)[[3, 2]]).all()


def test_in_place_and_undo(tiny: Path, tmp_path: Path) -> None:
    model = Path(shutil.copy(tiny, tmp_path / "m.pt"))
    printed = done(model, "--shift", "1", "--in-place")
    assert f"headlab edit {model} --undo --in-place" in printed
    assert "headlab diff" not in printed
    assert model.read_bytes() != tiny.read_bytes()
    assert f"wrote {model}: the bytes of m.pt" in done(model, "--undo", "--in-place")
    assert model.read_bytes() == tiny.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["m.pt"]


def test_undo_to_another_file(tiny: Path, tmp_path: Path) -> None:
    done(tiny, "--rename", "cat=a longer name", "-o", tmp_path / "s.pt")
    printed = done(tmp_path / "s.pt", "--undo", "-o", tmp_path / "back.pt")
    assert f"the bytes of {tiny.name}" in printed
    assert (tmp_path / "back.pt").read_bytes() == tiny.read_bytes()


def test_an_edit_without_effect_says_so(tiny: Path, tmp_path: Path) -> None:
    assert "  nothing changes\n" in done(tiny, "--bias", "cat=0", "-o", tmp_path / "s.pt")
    assert (tmp_path / "s.pt").read_bytes() == tiny.read_bytes()


BAD: list[tuple[list[str], str]] = [
    (["--shift", "P4=1"], "either -o OUT or --in-place"),
    (["--shift", "P4=1", "-o", "s.pt", "--in-place"], "either -o OUT or --in-place"),
    (["-o", "s.pt"], "no operations"),
    (["--shift", "P7=1", "-o", "s.pt"], "no level 'P7'"),
    (["--shift", "P4=4", "-o", "s.pt"], "multiple of the 4 classes"),
    (["--suppress", "cta", "-o", "s.pt"], "Did you mean 'cat'"),
    (["--suppress", "4", "-o", "s.pt"], "classes 0 to 3"),
    (["--shift", "1", "--swap", "cat=dog", "-o", "s.pt"], "Operations 1 (shift by 1) and 2 (swap"),
    (["--shift", "1", "--recipe", "r.yaml", "-o", "s.pt"], "--recipe and --shift do not go"),
    (["--at", "0.3", "--recipe", "r.yaml", "-o", "s.pt"], "--recipe and --at do not go"),
    (["--recipe", "none.yaml", "-o", "s.pt"], "there is no such file"),
    (["--undo", "-o", "s.pt"], "no manifest"),
    (["--undo"], "either -o OUT or --in-place"),
    (["--undo", "--shift", "1", "-o", "s.pt"], "--undo takes no operations"),
    (["--shift", "1", "-o", "none/s.pt"], "no such folder"),
    (["--bias", "cat=1e9", "-o", "s.pt"], "does not fit float16"),
    (["--keep", "cat", "--in-place"], "cannot replace the input in place"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_refused_and_nothing_written(
    tiny: Path,
    tmp_path: Path,
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    model = Path(shutil.copy(tiny, tmp_path / "m.pt"))
    assert message in refused(model, *arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["m.pt"]
    assert model.read_bytes() == tiny.read_bytes()


def test_a_dry_run_refuses_what_the_real_one_would(tiny: Path) -> None:
    assert "does not fit float16" in refused(tiny, "--bias", "cat=1e9", "--dry-run")


def test_one_class_has_nothing_to_shift(tmp_path: Path) -> None:
    path = models.detector(tmp_path, nc=1, awake=False)
    assert "one class: there is nothing to shift" in refused(
        path, "--shift", "1", "-o", tmp_path / "s.pt"
    )


def test_the_exit_code_of_bad_input_is_2_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "bad.pt").write_bytes(b"not a zip")
    found = subprocess.run(
        [sys.executable, "-m", "headlab", "edit", "bad.pt", "--shift", "1", "-o", "s.pt"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
    )
    assert found.returncode == 2
    assert found.stderr.startswith("headlab: bad.pt: not a zip archive")
    assert "Traceback" not in found.stderr
    assert not (tmp_path / "s.pt").exists()


def test_names_cannot_steer_the_terminal(tmp_path: Path) -> None:
    hostile = models.detector(tmp_path, nc=3, names=("ant", "猫\x1b[2J", "dog"), awake=False)
    printed = done(hostile, "--swap", "1=dog", "--dry-run")
    assert "猫\\x1b[2J <- dog" in printed
    assert "\x1b" not in printed


def test_ultralytics_sees_what_the_edit_promises(tiny: Path, tmp_path: Path) -> None:
    import torch
    from ultralytics import YOLO

    done(tiny, "--shift", "1", "--rename", "cat=猫", "-o", tmp_path / "s.pt")
    before, after = (scores_and_features(path)[0] for path in (tiny, tmp_path / "s.pt"))
    assert torch.equal(after, before.roll(1, 0))
    assert YOLO(tmp_path / "s.pt").names == {0: "ant", 1: "bee", 2: "猫", 3: "dog"}


def test_a_suppressed_class_never_scores(tiny: Path, tmp_path: Path) -> None:
    import torch

    done(tiny, "--suppress", "ant", "-o", tmp_path / "m.pt")
    full, muted = (scores_and_features(path)[0] for path in (tiny, tmp_path / "m.pt"))
    assert torch.equal(muted[1:], full[1:])
    assert torch.equal(muted[0], torch.zeros_like(muted[0]))


def test_kept_classes_score_as_before(tiny: Path, tmp_path: Path) -> None:
    import torch

    done(tiny, "--keep", "bee,dog", "-o", tmp_path / "k.pt")
    (full, before), (kept, after) = (
        scores_and_features(path) for path in (tiny, tmp_path / "k.pt")
    )
    for (x, weight, bias), (kept_x, kept_weight, kept_bias) in zip(before, after, strict=True):
        assert torch.equal(kept_x, x)
        assert torch.equal(kept_weight, weight[[1, 3]])
        assert torch.equal(kept_bias, bias[[1, 3]])
    # Same features, same rows: the same sums. PyTorch adds them up in another order for another
    # number of rows, which shows in the last bits of float32.
    assert torch.allclose(kept, full[[1, 3]], rtol=0, atol=2e-6)


def scores_and_features(path: Path) -> tuple[Any, list[tuple[Any, Any, Any]]]:
    """ultralytics' scores (classes, cells) of a fixed picture, and per level what makes them.

    Per level: the features that enter the last convolution of the class branch, its weight and bias.
    """
    import torch
    from ultralytics import YOLO

    network = YOLO(path).model.float().eval()
    found: list[tuple[Any, Any, Any]] = []
    for convolution in models.class_convolutions(network):
        convolution.register_forward_hook(
            lambda module, inputs, _: found.append((inputs[0], module.weight, module.bias))
        )
    picture = torch.rand(1, 3, models.IMGSZ, models.IMGSZ, generator=torch.manual_seed(0))
    with torch.no_grad():
        return network(picture)[0][0, 4:], found


def test_the_experiment_on_the_real_model(yolov8n: Path, shared: Path, tmp_path: Path) -> None:
    from ultralytics import YOLO

    out = tmp_path / "yolov8n_shift.pt"
    done(yolov8n, "--shift", "P4=1", "--shift", "P5=5", "-o", out)
    for level, by in enumerate((0, 1, 5)):
        name = f"model.22.cv3.{level}.2.weight"
        assert (read(out).array(name) == np.roll(read(yolov8n).array(name), by, axis=0)).all()
    photo = shared / "photos" / "eagle.jpg"
    found = {
        path: [int(c) for c in YOLO(path).predict(photo, verbose=False)[0].boxes.cls]
        for path in (yolov8n, out)
    }
    assert 14 in found[yolov8n]  # bird
    assert found[out]
    assert set(found[out]) <= {14, 15, 19}  # bird on P3, cat on P4, cow on P5
    done(out, "--undo", "-o", tmp_path / "back.pt")
    assert (tmp_path / "back.pt").read_bytes() == yolov8n.read_bytes()
