"""The notebooks and recipes in examples/ run, and the stored outputs are those of today's code."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

import headlab

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))
RECIPES = sorted((EXAMPLES / "recipes").glob("*.yaml"))
COCO_NAMES_IN_RECIPES = ("person", "bicycle", "traffic light", "bird", "cat", "dog", "ant")
MOST_PICTURE_BYTES = 300_000

notebooks = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)


def kinds_of_outputs(content: Any) -> list[tuple[str, list[list[str]]]]:
    """For each code cell its first line and, by output, the types of what is shown."""
    return [
        (
            cell.source.splitlines()[0],
            [sorted(output.get("data", {output.get("name"): ""})) for output in cell.outputs],
        )
        for cell in content.cells
        if cell.cell_type == "code"
    ]


@notebooks
def test_a_notebook_runs_and_shows_what_is_stored(notebook: Path, tmp_path: Path) -> None:
    script = EXAMPLES.parent / "scripts" / "run_notebooks.py"
    done = subprocess.run(
        [sys.executable, script, notebook, "--output", tmp_path],
        env={**os.environ, "OMP_NUM_THREADS": "1", "IPYTHONDIR": str(tmp_path / "ipython")},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    fresh = nbformat.read(tmp_path / notebook.name, as_version=4)
    stored = nbformat.read(notebook, as_version=4)
    assert [cell.source for cell in fresh.cells] == [cell.source for cell in stored.cells]
    assert kinds_of_outputs(fresh) == kinds_of_outputs(stored), "run scripts/run_notebooks.py"


@notebooks
def test_a_stored_notebook_is_tidy(notebook: Path) -> None:
    content = nbformat.read(notebook, as_version=4)
    nbformat.validate(content)
    introduction = content.cells[0]
    assert introduction.cell_type == "markdown"
    assert re.search(r"^\*日本語:\*", introduction.source, re.M)
    pictures = 0
    for cell in content.cells:
        for output in cell.get("outputs", []):
            assert output.get("name") != "stderr", output.get("text")
            for kind, data in output.get("data", {}).items():
                if kind.startswith("image/"):
                    pictures += len(base64.b64decode(data))
    assert 0 < pictures <= MOST_PICTURE_BYTES


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_does_what_it_says(
    recipe: Path, small: Callable[..., Path], tmp_path: Path
) -> None:
    model = headlab.load(
        small("yolov8", nc=len(COCO_NAMES_IN_RECIPES), names=COCO_NAMES_IN_RECIPES, half=False)
    )
    saved = model.edit(recipe).save(tmp_path / "edited.pt")
    edited = headlab.load(saved.output)
    if recipe.stem == "keep-and-rename":
        assert edited.class_names == ("鳥", "猫", "犬")
        return
    assert edited.class_names == model.class_names
    changed = {"class-shift": {"P4", "P5"}, "thresholds": {"P3", "P4", "P5"}}[recipe.stem]
    for level in model.layout.levels:
        bias = level.class_rows[0].bias
        same = (edited.checkpoint.array(bias) == model.checkpoint.array(bias)).all()
        assert same == (level.name not in changed)
