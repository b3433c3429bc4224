"""`pip install headlab` is enough for all that runs no network; the rest names the extra that it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import headlab
import yolov3_models
from headlab.cli.main import COMMANDS
from headlab.errors import MissingExtra
from headlab.extras import TRAINING, require

IN_EXTRAS = (
    *("torch", "torchvision", "ultralytics", "cv2"),
    *("faster_coco_eval", "lightning_fabric", "tensorboard"),
)
DEMO = str(Path(headlab.__file__).parent / "demo" / "demo.pt")
TORCH, TRAIN = "pip install 'headlab[torch]'", "pip install 'headlab[train]'"

WITHOUT = f"""
import sys

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {IN_EXTRAS}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, NotInstalled())
"""

LIGHT = {
    "inspect": f"inspect {DEMO}",
    "inspect, explained": f"inspect {DEMO} --explain",
    "inspect, YOLOv3": "inspect tiny.safetensors --explain",
    "inspect, Keras": "inspect tiny.h5",
    "edit": f"edit {DEMO} --shift P4=1 -o shifted.pt",
    "edit, YOLOv3": "edit tiny.safetensors --shift P4=1 --drop beta -o shifted.safetensors",
    "edit, undone": "edit edited.pt --undo -o restored.pt",
    "diff": f"diff {DEMO} edited.pt",
    "boxes check": "boxes check train.txt --deep",
    "boxes stats": "boxes stats train.txt",
    "boxes convert": "boxes convert train.txt boxes.json --to coco",
    "anchors fit": "anchors fit train.txt -k 3",
    "anchors check": "anchors check anchors.txt train.txt",
    "anchors per-class": "anchors per-class train.txt -k 2 --levels 1",
    **{f"{name} --help": f"{name} --help" for name in COMMANDS},
}
HEAVY = {
    "trace": (f"trace {DEMO} a.png", TORCH),
    "trace, YOLOv3": ("trace tiny.safetensors a.png", TORCH),
    "compare": (f"compare {DEMO} edited.pt a.png", TORCH),
    "convert": ("convert tiny.safetensors tiny.weights", TORCH),
    "edit, fewer classes": (f"edit {DEMO} --keep platelet -o kept.pt", TORCH),
    "demo": ("demo", TORCH),
    "evaluate": (f"evaluate {DEMO} train.txt", TORCH),
    "evaluate, YOLOv3": ("evaluate tiny.safetensors train.txt", TORCH),
    "train": ("train train.txt", TRAIN),
    "train, preview": ("train train.txt --preview sheet.png", TRAIN),
}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a YOLOv3 model, an edited model, anchors, and annotated photos."""
    folder = tmp_path_factory.mktemp("work")
    model = yolov3_models.random_model("yolov3-tiny", ("alpha", "beta"))
    for name in ("tiny.safetensors", "tiny.h5"):
        yolov3_models.saved(model, folder / name)
    headlab.load(DEMO).edit(headlab.Shift(levels="P4", by=1)).save(folder / "edited.pt")
    (folder / "anchors.txt").write_text("10,14, 23,27, 37,58\n", "utf-8")
    for at, name in enumerate("abcd"):
        Image.new("RGB", (64, 48 + at)).save(folder / f"{name}.png")
    lines = (f"{name}.png 4,4,{14 + at},{20 + at},0" for at, name in enumerate("abcd"))
    (folder / "train.txt").write_text("\n".join(lines), "utf-8")
    return folder


def ran(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of headlab as if no extra were installed."""
    program = WITHOUT + "from headlab.cli.main import run\nrun()"
    return subprocess.run(
        [sys.executable, "-c", program, *command.split()],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize("name", LIGHT)
def test_what_runs_no_network_needs_no_extra(name: str, work: Path) -> None:
    done = ran(LIGHT[name], work)
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout


@pytest.mark.parametrize("name", HEAVY)
def test_what_runs_a_network_names_its_extra(name: str, work: Path) -> None:
    command, install = HEAVY[name]
    before = sorted(work.rglob("*"))
    done = ran(command, work)
    assert done.returncode == 2, done.stderr
    message, hint = done.stderr.splitlines()
    assert message.startswith("headlab: ")
    assert message.endswith("not installed.")
    assert hint.endswith(install)
    assert sorted(work.rglob("*")) == before


def test_every_command_is_one_or_the_other() -> None:
    tried = {command.split()[0] for command in (*LIGHT.values(), *(c for c, _ in HEAVY.values()))}
    assert tried == set(COMMANDS)


def test_python_reads_results_and_names_extras_as_well(work: Path, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("data: {train: train.txt}\n", "utf-8")
    program = f"""
import headlab
import headlab.demo
from headlab.errors import MissingExtra

headlab.boxes.read("train.txt"), headlab.load({DEMO!r}).inspect(), headlab.diff({DEMO!r}, "edited.pt")
headlab.train.read({str(tmp_path)!r})
model = headlab.load({DEMO!r})
for call in (
    lambda: model.trace("a.png"),
    lambda: model.evaluate("train.txt"),
    lambda: headlab.compare(model, model, "a.png"),
    lambda: headlab.convert("tiny.safetensors", "other.h5"),
    lambda: headlab.train.plan("train.txt"),
    lambda: headlab.demo.tour,
):
    try:
        call()
    except MissingExtra as error:
        print(error.extra)
"""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT + program],
        cwd=work,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout.split() == ["torch", "torch", "torch", "torch", "train", "torch"]


def test_the_check_can_fail(work: Path) -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT + "import torch"], check=False)
    assert done.returncode == 1


def test_the_message_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_spec(module: str) -> object:
        return None if module in missing else module

    monkeypatch.setattr("headlab.extras.find_spec", find_spec)
    missing = {"faster_coco_eval"}
    require("Running a network")
    with pytest.raises(MissingExtra) as found:
        require("Evaluating", TRAINING)
    assert str(found.value) == (
        "Evaluating needs faster-coco-eval, which is not installed.\n"
        "Install it: pip install 'headlab[torch]'"
    )
    missing = {"ultralytics", "tensorboard"}
    with pytest.raises(MissingExtra) as found:
        require("Training", TRAINING)
    assert str(found.value) == (
        "Training needs ultralytics and TensorBoard, which are not installed.\n"
        "Install them: pip install 'headlab[train]'"
    )
