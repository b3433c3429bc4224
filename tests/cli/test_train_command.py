"""`headlab train` before its first step: which mistakes it refuses, and how."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from one_command import run

from headlab.cli import train as command
from headlab.cli.main import app


@pytest.fixture(autouse=True)
def in_a_new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_help_needs_neither_torch_nor_lightning(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom headlab.cli.main import app\n"
        "app(['train', '--help'], standalone_mode=False)\n"
        "heavy = {'torch', 'lightning_fabric', 'polars', 'rich', 'PIL'} & set(sys.modules)\n"
        "print('loaded:', sorted(heavy), 'pydantic' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        encoding="utf-8",
        check=True,
        cwd=tmp_path,
    )
    assert done.stdout.splitlines()[-1] == "loaded: [] True"


def test_the_command_is_listed_with_a_sentence() -> None:
    assert "Train YOLOv3 on the boxes of DATA, in two stages." in run("--help").out
    assert app.get_command(None, "train") is command.train  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "There is nothing to train on.\nName the annotations: headlab train DATA"),
        (("a.txt", "--data.train", "b.txt"), "DATA and --data.train are the same thing"),
        (("a.txt", "b.txt"), "unexpected extra argument"),
        (("a.txt", "--config", "none.yaml"), "none.yaml: cannot be read: there is no such file"),
        (("a.txt", "--imgsz", "100"), "imgsz 100,100: height and width must be multiples of 32 px"),
        (("a.txt", "--stage1.epochs", "0", "--stage2.epochs", "0"), "nothing is trained"),
        (("a.txt", "--monitor", "AP", "--evaluate-every", "0"), "monitor is AP"),
        (
            ("a.txt", "--preview", "x.jpg"),
            "x.jpg: training preview cannot be written in this format",
        ),
        (("a.txt", "--preview", "x.png", "-o", "run"), "--preview cannot be combined with -o"),
        (("a.txt", "--preview", "x.png", "--preview-count", "0"), "not in the range"),
        (("--resume", "run", "-o", "other"), "--resume cannot be combined with -o"),
        (("--resume", "run", "--config", "c.yaml"), "--resume cannot be combined with --config"),
        (("--resume", "run", "--preview", "x.png"), "--resume cannot be combined with --preview"),
    ],
)
def test_wrong_arguments(args: tuple[str, ...], message: str) -> None:
    done = run("train", *args)
    assert done.code == 2
    assert message in done.err
    assert list(Path().iterdir()) == []


def test_a_mistake_in_the_file_is_named_with_its_line() -> None:
    Path("train.yaml").write_text("data: {train: boxes.txt}\nbacth: 4\n", encoding="utf-8")
    done = run("train", "--config", "train.yaml")
    assert done.code == 2
    assert done.err == (
        "train.yaml, line 2: there is no setting 'bacth'.\nDid you mean 'batch' or 'anchors'?"
    )


def test_an_earlier_training_is_never_overwritten() -> None:
    Path("my run").mkdir()
    (Path("my run") / "state.pt").touch()
    done = run("train", "boxes.txt", "-o", "my run")
    assert done.code == 2
    assert "my run: the folder is not empty" in done.err
    assert "headlab train --resume 'my run'" in done.err
    (Path("my run") / "state.pt").rename(Path("my run") / "config.yaml")
    assert "or empty the folder: there is no training" in run(
        "train", "boxes.txt", "-o", "my run"
    ).err  # fmt: skip
    Path("file").touch()
    assert "file is a file; a folder is expected" in run("train", "boxes.txt", "-o", "file").err
