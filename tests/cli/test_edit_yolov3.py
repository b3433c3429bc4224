"""`headlab edit`, `diff` and `compare` on YOLOv3 files: slots by name, and the files beside the weights."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from one_command import run

from headlab.families.read import read
from yolov3_models import random_model, saved


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """model.weights with its .cfg and .names; tests only read it."""
    made = tmp_path_factory.mktemp("yolov3")
    saved(random_model(), made / "model.weights")
    return made


@pytest.fixture
def model(folder: Path, tmp_path: Path) -> Path:
    """A copy that a test may change, alone in a folder."""
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return tmp_path / "model.weights"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_slot_is_shifted_explained_and_restored(model: Path) -> None:
    out, back = model.with_name("s.weights"), model.with_name("r.weights")
    done = run("edit", model, "--shift", "P5/2=1", "--suppress", "P4/0", "-o", out)
    assert done.out.splitlines() == [
        f"{model}: YOLOv3-tiny, 3 classes, P4, P5",
        "  P4/0  suppressed: ant, bee, cat",
        "      P4.output.weight and .bias, rows 5 to 7",
        "  P5/2  rows shifted by 1",
        "      P5.output.weight and .bias, rows 21 to 23",
        f"wrote {out} ({model.stat().st_size:,} bytes)",
        f"wrote {out}.headlab.json",
        f"wrote {out.with_suffix('.cfg')}",
        f"wrote {out.with_suffix('.names')}",
        "next:",
        f"  headlab trace {out} PHOTO",
        f"  headlab diff {model} {out}",
        f"  headlab edit {out} --undo -o RESTORED.weights",
    ]
    found = run("diff", model, out)
    assert found.code == 1
    assert found.out.splitlines()[:4] == [
        "class rows",
        "  P4/0: suppressed: ant, bee, cat",
        "  P5/2: rows shifted by 1",
        "tensors that differ (4)",
    ]
    (_, level) = json.loads(run("diff", model, out, "--json").out)["levels"]
    assert level["slot"] == 2
    assert level["sources"] == [2, 0, 1]
    restored = run("edit", out, "--undo", "-o", back)
    assert restored.out.splitlines()[2:] == [
        f"wrote {back.with_suffix('.cfg')}",
        f"wrote {back.with_suffix('.names')}",
    ]
    assert back.read_bytes() == model.read_bytes()
    assert run("diff", model, back).code == 0


def test_a_recipe_names_slots_too(model: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("version: 1\noperations: [{op: shift, levels: [P5/2], by: 1}]", "utf-8")
    done = run("edit", model, "--recipe", recipe, "--dry-run")
    assert "  P5/2  rows shifted by 1\n" in done.out


def test_kept_classes_are_read_back(model: Path) -> None:
    done = run("edit", model, "--keep", "ant,cat", "-o", model.with_name("k.weights"))
    assert "cannot be undone" in done.out
    assert read(model.with_name("k.weights")).class_names == ("ant", "cat")
    assert model.with_name("k.names").read_text("utf-8") == "ant\ncat\n"
    assert "classes=2" in model.with_name("k.cfg").read_text("utf-8").replace(" ", "")


BAD = [
    (["--shift", "P5/3=1", "-o", "s.weights"], "P5 has no slot 3"),
    (["--shift", "P5/32=1", "-o", "s.weights"], "32 is its stride"),
    (["--shift", "P3/0=1", "-o", "s.weights"], "no level 'P3'"),
    (["--shift", "P5=1", "--shift", "P5/2=2", "-o", "s.weights"], "class 'ant' at P5/2"),
    (["--bias", "P5,P5/2:cat=1", "-o", "s.weights"], "slot 'P5/2' is named twice"),
    (["--shift", "P5/2=1", "-o", "s.h5"], "model.weights s.h5"),
    (["--shift", "P5/2=1", "-o", "s.pt"], "edit keeps the format"),
    (["--rename", "cat=tiger", "--in-place"], "changes what model.names says too"),
    (["--reorder", "cat,bee,ant", "--in-place"], "changes what model.names says too"),
    (["--keep", "cat", "--in-place"], "cannot replace the input in place"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_refused_and_nothing_written(
    model: Path, arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(model.parent)
    before = model.read_bytes()
    done = run("edit", model, *arguments)
    assert done.code == 2
    assert message in done.err
    assert names(model.parent) == ["model.cfg", "model.names", "model.weights"]
    assert model.read_bytes() == before


def test_the_files_beside_a_model_can_be_named(model: Path, tmp_path: Path) -> None:
    named = tmp_path / "named"
    named.mkdir()
    cfg, texts = (
        model.with_suffix(suffix).rename(named / f"other{suffix}") for suffix in (".cfg", ".names")
    )
    assert run("edit", model, "--shift", "P5/2=1", "--dry-run").code == 2
    options = ("--cfg", cfg, "--names", texts)
    out = tmp_path / "s.weights"
    assert run("edit", model, "--shift", "P5/2=1", *options, "-o", out).code == 0
    assert read(out).class_names == ("ant", "bee", "cat")
    assert (tmp_path / "s.cfg").read_bytes() == cfg.read_bytes()
    done = run("edit", out, "--undo", *options, "-o", tmp_path / "r.weights")
    assert done.code == 2
    assert "--undo takes no" in done.err


def test_a_head_without_anchors_has_slot_0_only(yolov8n: Path) -> None:
    assert "  P5  rows shifted by 1\n" in run("edit", yolov8n, "--shift", "P5/0=1", "--dry-run").out
    done = run("edit", yolov8n, "--shift", "P5/1=1", "--dry-run")
    assert done.code == 2
    assert "It has one slot per cell, 0." in done.err


def test_editing_stays_light(model: Path) -> None:
    """Neither PyTorch nor anything of its size is loaded, also where shapes change."""
    program = (
        "import sys\n"
        "from headlab.cli.main import app\n"
        "for line in sys.argv[1:]:\n"
        "    app(line.split(), standalone_mode=False)\n"
        "heavy = {'torch', 'ultralytics', 'polars', 'pydantic', 'rich', 'yaml', 'h5py'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    lines = (
        "edit model.weights --shift P5/2=1 -o s.weights",
        "diff model.weights s.weights",
        "edit s.weights --undo -o r.weights",
        "edit model.weights --drop bee -o k.weights",
    )
    subprocess.run([sys.executable, "-c", program, *lines], cwd=model.parent, check=True)


@pytest.mark.parametrize("command", ["edit", "diff", "compare"])
def test_the_help_names_every_format(command: str) -> None:
    said = " ".join(run(command, "--help").out.split())
    assert ".pt, .weights, .h5 or .safetensors" in said


def test_anchors_are_inferred_on_real_photos(shared: Path, tmp_path: Path) -> None:
    """Every place shifted by an amount of its own: each class change names its level and anchor."""
    model = shared / "weights" / "yolov3-tiny.weights"
    places = [f"P{level}/{slot}" for level in (4, 5) for slot in range(3)]
    shifts = [text for by, place in enumerate(places) for text in ("--shift", f"{place}={by + 1}")]
    after = tmp_path / "s.weights"
    assert run("edit", model, *shifts, "-o", after).code == 0
    done = run("compare", model, after, shared / "photos" / "dog.jpg", "--json")
    document = json.loads(done.out)
    found = document["inference"]
    assert found["shifts"] == {place: by + 1 for by, place in enumerate(places)}
    assert found["right"] == found["pairs"] >= 3
    for pair in document["pairs"]:
        if pair["kind"] == "class changed":
            assert pair["inferred_level"] == pair["before_level"]
            assert pair["inferred_slot"] == pair["before_slot"]


def test_models_of_two_families_are_compared_without_inference(yolov8n: Path, shared: Path) -> None:
    other = shared / "weights" / "yolov3-tiny.weights"
    done = run("compare", yolov8n, other, shared / "photos" / "eagle.jpg")
    assert done.code == 0
    assert "experiment" not in done.out
    assert ["bird", "0.83", "P5/1"] in [words[3:6] for words in done.words]
