"""`headlab diff`: lines for people, JSON for programs, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import models
from headlab.cli.main import app
from headlab.errors import CheckpointError


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.detector(tmp_path_factory.mktemp("tiny"), nc=4)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture
def edited(tiny: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    result = run("edit", tiny, *request.param, "-o", tmp_path / "b.pt")
    assert result.exit_code == 0, repr(result.exception)
    return tmp_path / "b.pt"


def test_the_same_file_twice(tiny: Path) -> None:
    result = run("diff", tiny, tiny)
    assert result.exit_code == 0
    assert result.output == "Nothing differs: the same tensors, class names and metadata.\n"
    result = run("diff", tiny, tiny, "--json")
    assert result.exit_code == 0
    assert json.loads(result.output)["same"] is True


@pytest.mark.parametrize("edited", [["--shift", "P4=1", "--rename", "cat=猫"]], indirect=True)
def test_lines_for_people(tiny: Path, edited: Path) -> None:
    result = run("diff", tiny, edited)
    lines = result.output.splitlines()
    assert result.exit_code == 1
    assert lines[:3] == [
        "class rows",
        "  P4 one2many: rows shifted by 1",
        "tensors that differ (2)",
    ]
    assert lines[3].startswith("  model.22.cv3.1.2.weight: ")
    assert lines[4].startswith("  model.22.cv3.1.2.bias: 4 elements, by up to ")
    assert lines[5:] == ["class names (1)", "  2: cat -> 猫"]


@pytest.mark.parametrize("edited", [["--keep", "bee,dog"]], indirect=True)
def test_other_numbers_of_classes(tiny: Path, edited: Path) -> None:
    lines = run("diff", tiny, edited).output.splitlines()
    assert "  P3 one2many: 2 classes instead of 4; rows moved: bee <- bee, dog <- dog" in lines
    assert "  model.22.cv3.0.2.bias: shape 4 -> 2" in lines
    at = lines.index("class names (2)")
    assert lines[at + 1 : at + 3] == ["  gone: ant", "  gone: cat"]
    assert "  yaml.nc: 4 -> 2" in lines


@pytest.mark.parametrize("edited", [["--shift", "P4=1"]], indirect=True)
def test_json_for_programs(tiny: Path, edited: Path) -> None:
    result = run("diff", tiny, edited, "--json")
    assert result.exit_code == 1
    data: dict[str, Any] = json.loads(result.output)
    assert data["same"] is False
    assert data["levels"] == [
        {
            "level": "P4",
            "branch": "one2many",
            "sources": [3, 0, 1, 2],
            "classes": [0, 1, 2, 3],
            "words": "rows shifted by 1",
            "slot": None,
            "place": "P4 one2many",
        }
    ]
    assert [each["name"] for each in data["tensors"]] == [
        "model.22.cv3.1.2.weight",
        "model.22.cv3.1.2.bias",
    ]
    assert set(data) == {
        "same",
        "added",
        "removed",
        "tensors",
        "levels",
        "names",
        "metadata",
        "settings",
        "unexplained",
    }


def test_names_cannot_steer_the_terminal(tiny: Path, tmp_path: Path) -> None:
    hostile = models.detector(
        tmp_path, nc=4, names=("ant", "bee", "\x1b]0;owned\x07", "犬\x9b2J"), awake=False
    )
    lines = run("diff", tiny, hostile).output.splitlines()
    assert "  2: cat -> \\x1b]0;owned\\x07" in lines
    assert "  3: dog -> 犬\\x9b2J" in lines


def test_long_lists_are_cut_for_people(tiny: Path, tmp_path: Path) -> None:
    other = models.detector(tmp_path, kind="yolov3-tiny", nc=4, awake=False)
    lines = run("diff", tiny, other).output.splitlines()
    assert any(line.endswith(" more (--json shows all)") for line in lines)


def test_a_file_that_is_not_a_model(tiny: Path, tmp_path: Path) -> None:
    result = run("diff", tiny, tmp_path / "none.pt")
    assert isinstance(result.exception, CheckpointError)
    assert "no such file" in str(result.exception)
