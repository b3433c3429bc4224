"""Looking and patching stay light: they load neither PyTorch nor anything of its size."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import headlab

HEAVY = ("torch", "torchvision", "ultralytics", "polars", "matplotlib", "cv2", "pydantic")
FOR_TABLES = ("rich",)
DEMO_MODEL = Path(headlab.__file__).parent / "demo" / "demo.pt"

# Not `headlab.cli.main.run`, which ends the process before it can be looked into.
RUN = "from headlab.cli.main import app\napp(standalone_mode=False)"


def loaded_after(statements: str, folder: Path, *args: str) -> set[str]:
    """The packages that a fresh interpreter has loaded after the statements."""
    report = "\nimport pathlib, sys\npathlib.Path('loaded.txt').write_text('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", statements + report, *args],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set((folder / "loaded.txt").read_text("utf-8").split())


def named(args: tuple[str, ...]) -> str:
    return " ".join(Path(arg).name for arg in args)


def test_import_is_light(tmp_path: Path) -> None:
    for statements in (
        "import headlab",
        "import headlab; headlab.boxes, headlab.anchors, headlab.train",
    ):
        assert not loaded_after(statements, tmp_path) & {*HEAVY, *FOR_TABLES}


@pytest.mark.parametrize(
    "args",
    [
        ("inspect", str(DEMO_MODEL)),
        ("inspect", str(DEMO_MODEL), "--params", "*cv3*"),
        ("inspect", str(DEMO_MODEL), "--explain"),
    ],
    ids=named,
)
def test_looking_is_light(args: tuple[str, ...], tmp_path: Path) -> None:
    assert not loaded_after(RUN, tmp_path, *args) & set(HEAVY)


@pytest.mark.parametrize(
    "args",
    [
        ("--help",),
        ("--version",),
        ("trace", "--help"),
        ("boxes", "stats", "--help"),
        ("anchors", "fit", "--help"),
        ("convert", "--help"),
        ("inspect", str(DEMO_MODEL), "--json"),
        ("inspect", str(DEMO_MODEL), "--explain", "--json"),
        ("edit", str(DEMO_MODEL), "--shift", "P4=1", "-o", "shifted.pt"),
        ("edit", str(DEMO_MODEL), "--shift", "P4=1", "--dry-run"),
        ("diff", str(DEMO_MODEL), str(DEMO_MODEL)),
        ("diff", str(DEMO_MODEL), str(DEMO_MODEL), "--json"),
    ],
    ids=named,
)
def test_what_prints_no_table_is_lighter_still(args: tuple[str, ...], tmp_path: Path) -> None:
    assert not loaded_after(RUN, tmp_path, *args) & {*HEAVY, *FOR_TABLES, "yaml"}


@pytest.mark.parametrize(("name", "others"), [("inspect", "edit"), ("edit", "trace")])
def test_a_command_loads_no_other(name: str, others: str, tmp_path: Path) -> None:
    loaded = loaded_after(RUN, tmp_path, name, "--help")
    assert f"headlab.cli.{name}" in loaded
    assert f"headlab.cli.{others}" not in loaded


def test_the_check_can_fail(tmp_path: Path) -> None:
    assert "cv2" in loaded_after("import cv2", tmp_path)
