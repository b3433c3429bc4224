"""docs/debugging.md holds what it promises: breakpoints are hit, and the examples can be used."""

from __future__ import annotations

import bdb
import json
import os
import re
import threading
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import click
import pytest
import torch
from click.testing import CliRunner
from drawn_photos import draw_set

from headlab.cli.main import app
from headlab.cli.train_options import given_values
from headlab.train.configuration.config import TrainConfig
from headlab.train.configuration.file import load
from test_docs import ROOT, blocks_of

PAGE = ROOT / "docs" / "debugging.md"
EXAMPLES = ROOT / "examples"
QUICK = (
    *("--variant", "yolov3-tiny", "--anchors", "fit", "--imgsz", "96", "--batch", "4"),
    *("--data.val-fraction", "0.25", "--stage1.epochs", "1", "--stage2.epochs", "0"),
    *("--evaluate-every", "0", "--device", "cpu"),
)
"""Of 16 drawn photos, 4 are validated on, and 12 make 3 steps."""

KERAS_ONLY, DEFAULT_ONLY = "assign_like_keras_yolo3", "assign_nearest"
_ROW = re.compile(r"^\| ((?:`[\w.]+`(?:, )?)+) \| `([\w/]+)\.py` \|", re.M)


def places_on_the_page() -> dict[str, CodeType]:
    """The functions that the page says to stop in, by the name that it gives them."""
    found = {}
    for names, path in _ROW.findall(PAGE.read_text("utf-8")):
        module = import_module(f"headlab.{path.replace('/', '.')}")
        for name in re.findall(r"`([\w.]+)`", names):
            here: Any = module
            for part in name.split("."):
                here = getattr(here, part)
            found[name] = here.__code__
    return found


class Stops(bdb.Bdb):
    """The standard library's debugger with breakpoints by function; it notes where it stopped.

    Args:
        codes: where to stop, by name.
        look: called at every stop, with the name and the frame.
    """

    def __init__(
        self, codes: dict[str, CodeType], look: Callable[[str, FrameType], None] = lambda *_: None
    ) -> None:
        super().__init__()
        self.hits: list[str] = []
        self._names = {code: name for name, code in codes.items()}
        self._look = look
        for code in codes.values():
            fault = self.set_break(code.co_filename, code.co_firstlineno, funcname=code.co_name)
            assert fault is None

    def user_line(self, frame: FrameType) -> None:
        if frame.f_code in self._names:
            assert threading.current_thread() is threading.main_thread()
            self.hits.append(self._names[frame.f_code])
            self._look(self._names[frame.f_code], frame)
        self.set_continue()


def trained(stops: Stops, folder: Path, *more: str) -> None:
    """Run `headlab train` on drawn photos in this process, under the debugger."""
    text = draw_set(folder / "data", 16)
    command = ["train", str(text), *QUICK, *more, "-o", str(folder / "run")]
    try:
        result = stops.runcall(CliRunner().invoke, app, command)
    finally:
        stops.clear_all_breaks()  # debuggers of one process share them
    assert result.exit_code == 0, result.output


def test_the_page_names_the_places() -> None:
    assert {"yolo_loss", "Assigner.__call__", "Training._step", DEFAULT_ONLY, KERAS_ONLY} <= set(
        places_on_the_page()
    )


def test_in_debug_every_breakpoint_of_the_page_is_hit(tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    def look(name: str, frame: FrameType) -> None:
        if name == "yolo_loss" and name not in seen:
            values = frame.f_locals
            seen[name] = [tuple(each.shape) for each in values["outputs"]]
            seen["row"] = values["targets"].rows.shape[1]
            seen["traced"] = values["outputs"][0].grad_fn is not None
            seen["anomaly"] = torch.is_anomaly_enabled()
            seen["deterministic"] = torch.are_deterministic_algorithms_enabled()

    places = places_on_the_page()
    stops = Stops(places, look)
    trained(stops, tmp_path, "--debug", "--workers", "2", "--compile")
    assert set(stops.hits) == set(places) - {KERAS_ONLY}
    # 12 photos in batches of 4: 3 steps. 4 photos are validated on in one batch more.
    assert stops.hits.count("Training._step") == 3
    assert stops.hits.count("PhotoDataset.__getitem__") == 16
    assert stops.hits.count("Assigner.__call__") == 4
    # 96 / 32 = 3 and 96 / 16 = 6 cells; 3 slots x (5 + 2 classes) = 21 numbers in each.
    assert seen == {
        "yolo_loss": [(4, 21, 3, 3), (4, 21, 6, 6)],
        "row": 7,
        "traced": True,
        "anomaly": True,
        "deterministic": True,
    }
    assert not torch.is_anomaly_enabled()


def test_keras_targets_can_be_stepped_through_as_well(tmp_path: Path) -> None:
    stops = Stops(places_on_the_page())
    trained(stops, tmp_path, "--debug", "--compat", "keras-yolo3")
    assert KERAS_ONLY in stops.hits
    assert DEFAULT_ONLY not in stops.hits


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs the loader's forked processes")
def test_without_debug_the_loaders_processes_keep_theirs_from_being_hit(tmp_path: Path) -> None:
    stops = Stops(places_on_the_page())
    trained(stops, tmp_path, "--workers", "1")
    assert stops.hits.count("Training._step") == 3
    assert "Assigner.__call__" not in stops.hits


def parsed(arguments: list[str]) -> TrainConfig:
    """The configuration that `headlab` makes of arguments; it fails as the command would."""
    name, *rest = arguments
    command = app.get_command(click.Context(app), name)
    assert command is not None
    context = command.make_context(name, rest)
    return load(
        context.params["config"], {"data.train": context.params["data"], **given_values(context)}
    )


def test_the_launch_file_is_a_command_line_that_headlab_takes() -> None:
    (found,) = json.loads((EXAMPLES / "vscode" / "launch.json").read_text("utf-8"))[
        "configurations"
    ]
    assert (found["type"], found["request"]) == ("debugpy", "launch")
    assert find_spec(f"{found['module']}.__main__") is not None
    assert found["justMyCode"] is False
    config = parsed(found["args"])
    assert config.debug
    assert (config.data.train, config.imgsz, config.batch) == ("few.txt", (160, 160), 4)


def test_a_launch_file_with_a_wrong_option_would_be_noticed() -> None:
    with pytest.raises(click.UsageError):
        parsed(["train", "few.txt", "--imgsize", "160"])


@pytest.mark.parametrize(
    ("example", "page"),
    [
        ("vscode/launch.json", "debugging.md"),
        ("bccd.yaml", "training.md"),
        ("keras-yolo3.yaml", "training.md"),
    ],
)
def test_the_pages_show_the_examples(example: str, page: str) -> None:
    shown = [block.text for block in blocks_of(ROOT / "docs" / page)]
    assert (EXAMPLES / example).read_text("utf-8") in shown


def test_the_example_of_keras_yolo3_has_its_numbers() -> None:
    # train.py of keras-yolo3, commit e6598d1, and yolo3/model.py: l2(5e-4) is 2 x 5e-4 of the weight.
    config = load(EXAMPLES / "keras-yolo3.yaml")
    assert (config.data.val_fraction, config.data.split_seed) == (0.1, 10101)
    assert (config.stage1.epochs, config.stage2.epochs) == (50, 100 - 50)
    assert (config.stage1.lr, config.stage2.lr) == (1e-3, 1e-4)
    stage = config.stage2
    assert (stage.lr_factor, stage.lr_patience, stage.stop_patience) == (0.1, 3, 10)
    assert (config.batch, config.imgsz, config.weight_decay) == (32, (416, 416), 2 * 5e-4)
    assert (config.compat, config.stage1.freeze) == ("keras-yolo3", "heads-only")
