"""Looking and patching stay light: they load neither PyTorch nor anything of its size."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import headlab

HEAVY = ("torch", "torchvision", "ultralytics", "polars", "matplotlib", "cv2")
DEMO_MODEL = Path(headlab.__file__).parent / "demo" / "demo.pt"


def heavy_after(statements: str, folder: Path, *args: str) -> set[str]:
    """The heavy packages that a fresh interpreter has loaded after the statements."""
    loaded = folder / "loaded.txt"
    program = (
        "import atexit, pathlib, sys\n"
        "at_end = lambda: pathlib.Path('loaded.txt').write_text('\\n'.join(sys.modules))\n"
        "atexit.register(at_end)\n" + statements
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *args],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(HEAVY) & set(loaded.read_text().split())


RUN = "from headlab.cli.main import run; sys.argv[0] = 'headlab'; run()"


def test_import_is_light(tmp_path: Path) -> None:
    assert heavy_after("import headlab", tmp_path) == set()


@pytest.mark.parametrize(
    "args",
    [
        ("--help",),
        ("--version",),
        ("trace", "--help"),
        ("inspect", str(DEMO_MODEL)),
        ("inspect", str(DEMO_MODEL), "--json"),
        ("inspect", str(DEMO_MODEL), "--params", "*cv3*"),
        ("edit", str(DEMO_MODEL), "--shift", "P4=1", "-o", "shifted.pt"),
        ("diff", str(DEMO_MODEL), str(DEMO_MODEL)),
    ],
    ids=lambda args: " ".join(Path(arg).name for arg in args),
)
def test_command_is_light(args: tuple[str, ...], tmp_path: Path) -> None:
    assert heavy_after(RUN, tmp_path, *args) == set()


def test_the_check_can_fail(tmp_path: Path) -> None:
    assert heavy_after("import cv2", tmp_path) == {"cv2"}
