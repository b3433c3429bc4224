"""The companions of a model file: where they are, what they replace, and in which order all are written."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headlab.checkpoint.companions import companion_paths, to_write
from headlab.checkpoint.yolov3.write import write_model
from headlab.conversion.convert import convert
from headlab.edit.apply import apply
from headlab.edit.plan import plan
from headlab.edit.recipe import from_data
from headlab.edit.undo import undo
from headlab.edit.write import save
from headlab.errors import OutputError
from headlab.families.identify import identify
from headlab.families.read import read
from yolov3_models import random_model, saved

NEW = {".cfg": b"[net]", ".names": "猫\r\n".encode("cp932")}


@pytest.mark.parametrize(
    ("model", "names"),
    [
        ("s.weights", ["s.cfg", "s.names"]),
        ("s.tiny.WEIGHTS", ["s.tiny.cfg", "s.tiny.names"]),
        ("x.weights.h5", ["x.cfg", "x.names"]),
        ("x.h5", ["x.cfg", "x.names"]),
        ("m.backup", ["m.cfg", "m.names"]),
    ],
)
def test_they_are_called_after_the_model(tmp_path: Path, model: str, names: list[str]) -> None:
    assert [path.name for path in companion_paths(tmp_path / model, NEW)] == names
    assert list(companion_paths(tmp_path / model, NEW).values()) == list(NEW.values())


def test_what_follows_the_stem_need_not_be_a_suffix(tmp_path: Path) -> None:
    found = companion_paths(tmp_path / "x.h5", {"_classes.txt": b""})
    assert list(found) == [tmp_path / "x_classes.txt"]


def test_missing_ones_are_written_and_equal_ones_left_alone(tmp_path: Path) -> None:
    out, source = tmp_path / "out.weights", tmp_path / "in.weights"
    (tmp_path / "out.cfg").write_bytes(NEW[".cfg"])
    assert to_write(out, NEW, source) == {tmp_path / "out.names": NEW[".names"]}
    assert to_write(out, {}, source) == {}


def test_another_file_is_replaced_only_along_with_its_model(tmp_path: Path) -> None:
    out, source = tmp_path / "out.weights", tmp_path / "in.weights"
    (tmp_path / "out.cfg").write_bytes(b"mine")
    with pytest.raises(
        OutputError, match=r"out\.cfg is in the place of a companion file of out\.weights"
    ):
        to_write(out, NEW, source)
    assert set(to_write(out, NEW, source, force=True)) == {
        out.with_suffix(suffix) for suffix in NEW
    }
    out.write_bytes(b"an older output")
    assert set(to_write(out, NEW, source)) == {tmp_path / "out.cfg", tmp_path / "out.names"}


def test_the_sources_own_are_never_replaced_by_those_of_another_output(tmp_path: Path) -> None:
    source, out = tmp_path / "m.weights", tmp_path / "m.backup"
    for path in (source, out, tmp_path / "m.cfg"):
        path.write_bytes(b"old")
    with pytest.raises(OutputError, match=r"m\.cfg belongs to .*m\.weights"):
        to_write(out, NEW, source)
    assert tmp_path / "m.cfg" in to_write(source, NEW, source)


def test_a_folder_of_that_name_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "out.cfg").mkdir()
    with pytest.raises(OutputError, match="is in the place of"):
        to_write(tmp_path / "out.weights", NEW, tmp_path / "in.weights")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with new.safetensors, an edit of old.weights, and what old.weights was before."""
    folder = tmp_path_factory.mktemp("models")
    saved(random_model(class_names=("cat", "dog")), folder / "new.safetensors")
    saved(random_model(class_names=("new", "names", "here")), folder / "before.weights")
    before = read(folder / "before.weights")
    recipe = from_data({"version": 1, "operations": [{"op": "rename", "names": {"new": "old"}}]})
    edited = apply(before, plan(before, identify(before), recipe))
    save(edited, folder / "edited.weights", [recipe])
    return folder


def training(models: Path, out: Path) -> None:
    """As a training writes its weights."""
    write_model(random_model(class_names=("cat", "dog")), out)


def edit(models: Path, out: Path) -> None:
    model = read(models / "edited.weights")
    recipe = from_data({"version": 1, "operations": [{"op": "keep", "classes": ["here"]}]})
    save(apply(model, plan(model, identify(model), recipe)), out, [recipe], force=True)


def undoing(models: Path, out: Path) -> None:
    undo(models / "edited.weights", out, force=True)


def conversion(models: Path, out: Path) -> None:
    convert(models / "new.safetensors", out, force=True)


WRITERS = (training, edit, undoing, conversion)


class Crash(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.__name__)
def test_everybody_writes_in_one_order(
    models: Path, tmp_path: Path, writer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        order.append(Path(target).name)
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    writer(models, tmp_path / "out.weights")
    assert sorted(order[:2]) == ["out.cfg", "out.names"]
    assert order[2] == "out.weights"
    assert order[3:] == (["out.weights.headlab.json"] if writer is edit else [])


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize(
    ("writer", "raised"),
    [
        *((writer, Crash()) for writer in WRITERS),
        (training, OSError(5, "broken")),
        (training, KeyboardInterrupt()),
    ],
)
def test_what_fails_between_two_renames_leaves_a_whole_model(
    models: Path,
    tmp_path: Path,
    writer: Any,
    number: int,
    raised: BaseException,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Over an older model with other classes: before, it could be read with the wrong companions."""
    out = saved(random_model(class_names=("a", "b", "c", "d")), tmp_path / "out.weights")
    real, calls = Path.replace, iter(range(100))

    def replace(self: Path, target: Path) -> Path:
        if next(calls) == number:
            raise raised
        return real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        with contextlib.suppress(Crash, OutputError, KeyboardInterrupt):
            writer(models, out)
    names = read(out).class_names
    assert (names == ("a", "b", "c", "d")) == (number < 3)
    left = {path.name.removesuffix(".headlab.json") for path in tmp_path.iterdir()}
    assert left == {"out.weights", "out.cfg", "out.names"}


KILLED = """
import os, signal, sys
from pathlib import Path
import test_companions
real, calls = Path.replace, iter(range(100))
def replace(self, target):
    if next(calls) == int(sys.argv[4]):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, target)
Path.replace = replace
getattr(test_companions, sys.argv[1])(Path(sys.argv[2]), Path(sys.argv[3]))
"""


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("writer", [training, edit], ids=lambda writer: writer.__name__)
def test_a_killed_process_leaves_no_model_that_cannot_be_read(
    models: Path, tmp_path: Path, writer: Any, number: int
) -> None:
    out = saved(random_model(class_names=("a", "b", "c", "d")), tmp_path / "out.weights")
    before = out.read_bytes()
    run = [sys.executable, "-c", KILLED, writer.__name__, str(models), str(out), str(number)]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]),
    }
    done = subprocess.run(run, env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert not out.exists()  # only its companions would be others, so that it was set aside
    (aside,) = (path for path in tmp_path.glob(".out.weights.*.old"))
    assert aside.read_bytes() == before
    writer(models, out)
    assert read(out).class_names in (("cat", "dog"), ("here",))
    assert not aside.exists()


def test_equal_companions_are_left_alone_and_the_model_never_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a training writes its weights anew after every epoch."""
    out = saved(random_model(), tmp_path / "best.weights")
    times = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        assert read(out).class_names == ("ant", "bee", "cat")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    write_model(random_model(seed=1), out)
    changed = [
        path.name for path in tmp_path.iterdir() if path.stat().st_mtime_ns != times[path.name]
    ]
    assert changed == ["best.weights"]
