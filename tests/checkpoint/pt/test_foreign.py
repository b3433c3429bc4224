"""Calls that do not belong in a checkpoint are named, and refused on request; nothing runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hostile import COMMANDS
from pickles import call, checkpoint, convolution, detector, mapped, named, text, zipped

from headlab.checkpoint.pt.foreign import running_calls, unknown_names
from headlab.checkpoint.pt.objects import Global
from headlab.checkpoint.pt.unpickle import Pickle, unpickle
from headlab.errors import CheckpointError
from headlab.model import load

NETWORK = detector(convolution("c", 2), convolution("c", 2))


def with_value(value: bytes) -> Pickle:
    return unpickle(checkpoint(NETWORK, date=value), "it")


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_every_way_to_run_a_command_is_named(command: bytes) -> None:
    assert running_calls(with_value(command))


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("posix", "system"),
        ("nt", "system"),
        ("subprocess", "Popen"),
        ("builtins", "eval"),
        ("__builtin__", "exec"),
        ("builtins", "getattr"),
        ("functools", "partial"),
        ("operator", "attrgetter"),
        ("torch", "load"),
        ("torch.hub", "load"),
        ("torch.storage", "_load_from_bytes"),
        ("numpy", "load"),
        ("ultralytics.utils.downloads", "safe_download"),
        ("ultralytics.utils", "os.system"),
        ("ultralytics.nn.tasks", "attempt_load_weights"),
        ("pip", "main"),
        ("cloudpickle", "loads"),
    ],
)
def test_what_runs_things(module: str, name: str) -> None:
    found = with_value(call(named(module, name), text("x")))
    assert running_calls(found) == (Global(module, name),)
    assert unknown_names(found) == ()


@pytest.mark.parametrize(
    ("module", "name"),
    [("models.yolo", "DetectionModel"), ("fork.nn", "Block"), ("ultralytics.engine.x", "Thing")],
)
def test_classes_of_forks_are_remarked_on(module: str, name: str) -> None:
    found = with_value(call(named(module, name)))
    assert unknown_names(found) == (Global(module, name),)
    assert running_calls(found) == ()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("collections", "OrderedDict"),
        ("builtins", "set"),
        ("pathlib", "WindowsPath"),
        ("numpy._core.multiarray", "scalar"),
        ("torch", "float16"),
        ("torch.nn.modules.activation", "SiLU"),
        ("ultralytics.nn.modules.block", "C3k2"),
        ("ultralytics.utils", "IterableSimpleNamespace"),
        ("ultralytics.utils.loss", "v8DetectionLoss"),
        ("ultralytics.yolo.utils", "IterableSimpleNamespace"),
    ],
)
def test_what_ultralytics_writes_is_not_mentioned(module: str, name: str) -> None:
    found = with_value(call(named(module, name)))
    assert running_calls(found) == unknown_names(found) == ()


def test_real_files_are_clean(yolov8n: Path) -> None:
    assert load(yolov8n, strict=True).inspect().warnings == ()
    assert load(yolov8n).inspect().notes == ()


def test_folded_models_are_clean(tmp_path: Path) -> None:
    """Their `forward` is pickled as `getattr(module, "forward_fuse")`."""
    import models

    path = models.fused(tmp_path)
    assert load(path, strict=True).inspect().warnings == ()


def test_inspect_says_it_and_strict_refuses(tmp_path: Path) -> None:
    payload = mapped({"unused": call(named("os", "system"), text("touch canary"))})
    path = zipped(tmp_path / "m.pt", checkpoint(NETWORK, date=payload))
    (warning,) = load(path).inspect().warnings
    assert "torch.load would call os.system" in warning
    assert load(path).inspect().to_dict()["warnings"] == [warning]
    with pytest.raises(CheckpointError, match=r"m\.pt: .*would call os\.system"):
        load(path, strict=True)
    assert not (tmp_path / "canary").exists()


def test_the_commands_say_it(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from headlab.cli.main import app

    payload = call(named("os", "system"), text("touch canary"))
    path = zipped(tmp_path / "m.pt", checkpoint(NETWORK, date=payload))
    shown = CliRunner().invoke(app, ["inspect", str(path)])
    assert shown.exit_code == 0
    assert "os.system" in shown.output
    edit = ["edit", str(path), "--rename", "ant=emu", "-o", str(tmp_path / "o.pt")]
    edited = CliRunner().invoke(app, edit)
    assert edited.exit_code == 0
    assert "WARNING: m.pt: Loading this file with torch.load would call os.system" in edited.output
    refused = CliRunner().invoke(app, [*edit, "--strict"])
    assert refused.exit_code != 0
