"""An edit keeps the format; the output's name must say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from headlab.checkpoint.yolov3.in_memory import InMemoryCheckpoint
from headlab.edit.formats import check_keeps_format, check_restores_format, suffix_of
from headlab.errors import InputError
from headlab.families.read import read
from yolov3_models import random_model

MODEL = random_model()


class _Darknet(InMemoryCheckpoint):
    """A model in memory that says it was read from a darknet file."""

    @property
    def format(self) -> str:
        return "darknet"


def held_as(name: str) -> InMemoryCheckpoint:
    kind = _Darknet if name.endswith((".weights", ".backup")) else InMemoryCheckpoint
    return kind(file=Path(name), described=MODEL.described, arrays=MODEL.arrays)


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("a.pt", ".pt"),
        ("a.PT", ".pt"),
        ("a.weights", ".weights"),
        ("a.weights.h5", ".weights.h5"),
        ("a.b.h5", ".h5"),
        ("a.safetensors", ".safetensors"),
        ("a.backup", ""),
        ("pt", ""),
    ],
)
def test_the_suffix_tells_the_format(name: str, suffix: str) -> None:
    assert suffix_of(Path(name)) == suffix


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("a.weights", "b.weights"),
        ("a.weights", "b.WEIGHTS"),
        ("a.backup", "b.weights"),
        ("a.backup", "b.backup"),
        ("a.safetensors", "b.safetensors"),
        ("a", "b.safetensors"),
    ],
)
def test_the_same_format_passes(source: str, output: str) -> None:
    check_keeps_format(held_as(source), Path(output))


@pytest.mark.parametrize(
    ("source", "output", "named"),
    [
        ("a.weights", "b.h5", r"\.weights"),
        ("a.backup", "b.safetensors", r"\.weights"),
        ("a.safetensors", "b.weights", r"\.safetensors"),
        ("a.h5", "b.weights.h5", r"\.h5"),
    ],
)
def test_another_format_is_refused(source: str, output: str, named: str) -> None:
    message = f"{output}: edit keeps the format, so the output of {source} ends in {named}\\."
    with pytest.raises(InputError, match=message) as caught:
        check_keeps_format(held_as(source), Path(output))
    assert caught.value.hint.endswith(f"headlab convert {source} {output}")


@pytest.mark.parametrize("output", ["b.pt", "b", "a.cfg", ".", "-"])
def test_what_convert_cannot_write_is_not_advised(output: str) -> None:
    with pytest.raises(InputError, match=r"the output of a\.weights ends in \.weights\.") as caught:
        check_keeps_format(held_as("a.weights"), Path(output))
    assert caught.value.hint == "Give a name that ends in .weights."


def test_the_advised_command_can_be_run_as_it_stands() -> None:
    with pytest.raises(InputError) as caught:
        check_keeps_format(held_as("folder/my model.weights"), Path("out.h5"))
    assert caught.value.hint.endswith("headlab convert 'folder/my model.weights' out.h5")


def test_ultralytics_checkpoints_may_have_any_name_but_another_formats(tiny: Path) -> None:
    model = read(tiny)
    for name in ("b.pt", "b", "b.ckpt", "b.PT", "b.pth", "model-v1.2", "b.pt.bak"):
        check_keeps_format(model, Path(name))
        check_restores_format(Path("a.pt"), Path(name))
    for name in ("b.weights", "b.h5", "b.safetensors"):
        with pytest.raises(InputError, match=r"ends in \.pt\."):
            check_keeps_format(model, Path(name))
        with pytest.raises(InputError, match=r"ends in \.pt\."):
            check_restores_format(Path("a.pt"), Path(name))


@pytest.mark.parametrize(
    "name", ["b.onnx", "b.engine", "b.TFLITE", "b.torchscript", "b.jpg", "b.json"]
)
def test_a_checkpoint_is_not_called_what_it_is_not(tiny: Path, name: str) -> None:
    for check in (check_keeps_format, check_restores_format):
        source = read(tiny) if check is check_keeps_format else Path("a.pt")
        with pytest.raises(InputError, match="would promise something else") as caught:
            check(source, Path(name))  # type: ignore[operator]
        assert caught.value.hint.startswith(
            "Give a name that ends in one of .pt, .pth, .ckpt, .bak"
        )


def test_a_restored_file_keeps_its_format_too() -> None:
    check_restores_format(Path("a.weights"), Path("b.weights"))
    check_restores_format(Path("a.backup"), Path("b.weights"))
    with pytest.raises(InputError, match=r"ends in \.h5\."):
        check_restores_format(Path("a.h5"), Path("RESTORED"))
