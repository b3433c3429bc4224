"""Writing and undoing: the bytes on the disk, in every order of events."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

import models
from headlab.checkpoint.checkpoint import Checkpoint
from headlab.checkpoint.manifest import path_for
from headlab.edit import write
from headlab.edit.apply import apply
from headlab.edit.plan import plan
from headlab.edit.recipe import Recipe, from_data
from headlab.edit.undo import undo
from headlab.edit.write import Saved, save
from headlab.errors import CheckpointError, OutputError
from headlab.families.identify import identify
from headlab.families.read import read
from unprivileged import as_nobody

SHIFT = {"op": "shift", "by": 1, "levels": ["P4"]}
RENAME = {
    "op": "rename",
    "names": {"cat": "a much longer name than before, so that bytes move: 猫"},
}
REVERSIBLE: list[list[dict[str, Any]]] = [
    [SHIFT],
    [RENAME],
    [SHIFT, RENAME],
    [{"op": "rename", "names": {"cat": "c"}}],
    [{"op": "suppress", "classes": ["ant"]}, {"op": "scale", "factor": 0.5, "classes": ["bee"]}],
    [{"op": "reorder", "order": ["dog", "cat", "bee", "ant"]}],
    [{"op": "bias", "offset": 0}],
]


def edited(path: Path, *operations: dict[str, Any]) -> tuple[Checkpoint, Recipe]:
    checkpoint = read(path)
    recipe = from_data({"version": 1, "operations": list(operations)})
    return apply(checkpoint, plan(checkpoint, identify(checkpoint), recipe)), recipe


def edit_file(
    path: Path,
    output: Path,
    *operations: dict[str, Any],
    in_place: bool = False,
    force: bool = False,
) -> Saved:
    checkpoint, recipe = edited(path, *operations)
    return save(checkpoint, output, [recipe], in_place=in_place, force=force)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture
def model(tiny: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copy(tiny, tmp_path / "model.pt"))


@pytest.mark.parametrize("operations", REVERSIBLE)
def test_undo_restores_the_exact_bytes(
    tiny: Path, tmp_path: Path, operations: list[dict[str, Any]]
) -> None:
    out = tmp_path / "out.pt"
    saved = edit_file(tiny, out, *operations)
    assert saved == Saved(tiny, out, path_for(out), out.stat().st_size, "")
    restored = undo(out, tmp_path / "back.pt")
    assert (tmp_path / "back.pt").read_bytes() == tiny.read_bytes()
    assert restored.original.name == tiny.name
    assert not restored.earlier_edit


def test_an_edited_file_reads_as_edited(tiny: Path, tmp_path: Path) -> None:
    checkpoint, recipe = edited(tiny, SHIFT, RENAME)
    save(checkpoint, tmp_path / "out.pt", [recipe])
    again = read(tmp_path / "out.pt")
    assert again.class_names == checkpoint.class_names
    for name in again.tensors:
        assert again.array(name).tobytes() == checkpoint.array(name).tobytes()


def test_untouched_entries_stay_bit_identical_and_checksums_are_right(
    tiny: Path, tmp_path: Path
) -> None:
    checkpoint, recipe = edited(tiny, SHIFT)
    save(checkpoint, tmp_path / "out.pt", [recipe])
    touched = {f"data/{checkpoint.tensor(name).storage}" for name in checkpoint.replaced}
    with zipfile.ZipFile(tiny) as old, zipfile.ZipFile(tmp_path / "out.pt") as new:
        assert new.testzip() is None
        assert old.namelist() == new.namelist()
        changed = {n.partition("/")[2] for n in old.namelist() if old.read(n) != new.read(n)}
    assert changed == touched


def test_the_manifest_says_what_was_done(tiny: Path, tmp_path: Path) -> None:
    saved = edit_file(tiny, tmp_path / "out.pt", SHIFT)
    data = json.loads(saved.manifest.read_bytes())
    assert data["input"]["name"] == tiny.name
    assert data["output"]["name"] == "out.pt"
    assert data["recipes"] == [{"version": 1, "operations": [SHIFT]}]
    assert "previous" not in data


def test_several_recipes_are_kept_in_their_order(tiny: Path, tmp_path: Path) -> None:
    first, one = edited(tiny, SHIFT)
    two = from_data({"version": 1, "operations": [RENAME]})
    both = apply(first, plan(first, identify(first), two))
    saved = save(both, tmp_path / "out.pt", [one, two])
    assert json.loads(saved.manifest.read_bytes())["recipes"] == [one.data(), two.data()]
    undo(tmp_path / "out.pt", tmp_path / "back.pt")
    assert (tmp_path / "back.pt").read_bytes() == tiny.read_bytes()


def test_in_place_and_back_leaves_no_trace(model: Path) -> None:
    before = files(model.parent)
    edit_file(model, model, SHIFT, RENAME, in_place=True)
    assert model.read_bytes() != before["model.pt"]
    undo(model, model, in_place=True)
    assert files(model.parent) == before


def test_edits_in_place_are_undone_one_by_one(model: Path) -> None:
    states = [files(model.parent)]
    for operation in (SHIFT, RENAME, {"op": "bias", "offset": 1}):
        edit_file(model, model, operation, in_place=True)
        states.append(files(model.parent))
    for expected in reversed(states[:-1]):
        undo(model, model, in_place=True)
        assert files(model.parent) == expected


def test_undo_elsewhere_takes_the_earlier_manifest_along(model: Path) -> None:
    edit_file(model, model, SHIFT, in_place=True)
    once = model.read_bytes()
    edit_file(model, model, RENAME, in_place=True)
    other = model.parent / "other.pt"
    assert undo(model, other).earlier_edit
    assert other.read_bytes() == once
    undo(other, other, in_place=True)
    assert not path_for(other).exists()


def test_undo_over_an_older_edit_removes_its_manifest(tiny: Path, tmp_path: Path) -> None:
    edit_file(tiny, tmp_path / "a.pt", SHIFT)
    edit_file(tiny, tmp_path / "b.pt", RENAME)
    undo(tmp_path / "a.pt", tmp_path / "b.pt", force=True)
    assert (tmp_path / "b.pt").read_bytes() == tiny.read_bytes()
    assert not path_for(tmp_path / "b.pt").exists()


def test_an_edit_of_an_edit_undoes_to_the_first(tiny: Path, tmp_path: Path) -> None:
    edit_file(tiny, tmp_path / "a.pt", SHIFT)
    edit_file(tmp_path / "a.pt", tmp_path / "b.pt", RENAME)
    undo(tmp_path / "b.pt", tmp_path / "c.pt")
    assert (tmp_path / "c.pt").read_bytes() == (tmp_path / "a.pt").read_bytes()


def test_an_existing_output_is_replaced_by_force_only(tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.pt"
    edit_file(tiny, out, SHIFT)
    (tmp_path / "mine.pt").write_bytes(b"mine")
    before = files(tmp_path)
    with pytest.raises(
        OutputError, match=r"out\.pt exists already\. Nothing was changed"
    ) as caught:
        edit_file(tiny, out, RENAME)
    assert "--force" in caught.value.hint
    with pytest.raises(OutputError, match="exists already"):
        undo(out, tmp_path / "mine.pt")
    assert files(tmp_path) == before
    edit_file(tiny, out, RENAME, force=True)
    undo(out, tmp_path / "back.pt")
    assert (tmp_path / "back.pt").read_bytes() == tiny.read_bytes()
    assert "previous" not in json.loads(path_for(out).read_bytes())


def test_kept_classes_cannot_be_undone_and_not_be_written_in_place(model: Path) -> None:
    out = model.parent / "kept.pt"
    saved = edit_file(model, out, {"op": "keep", "classes": ["cat", "dog"]})
    assert "keep the input file" in saved.no_undo
    assert read(out).class_names == ("cat", "dog")
    assert json.loads(saved.manifest.read_bytes())["undo"] is None
    with pytest.raises(CheckpointError, match="cannot be undone: class rows were removed"):
        undo(out, model.parent / "back.pt")
    before = files(model.parent)
    with pytest.raises(OutputError, match="cannot replace the input in place"):
        edit_file(model, model, {"op": "drop", "classes": ["ant"]}, in_place=True)
    assert files(model.parent) == before


@pytest.mark.parametrize("spelling", ["same", "relative", "symlink", "folder link", "hard link"])
def test_the_input_is_not_overwritten_however_it_is_spelled(
    model: Path, spelling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = model.parent
    output = model
    if spelling == "relative":
        (folder / "sub").mkdir()
        monkeypatch.chdir(folder / "sub")
        output = Path("..") / "model.pt"
    elif spelling == "symlink":
        output = folder / "link.pt"
        output.symlink_to(model)
    elif spelling == "folder link":
        (folder / "there").symlink_to(folder, target_is_directory=True)
        output = folder / "there" / "model.pt"
    elif spelling == "hard link":
        output = folder / "hard.pt"
        output.hardlink_to(model)
    before = files(folder)
    with pytest.raises(OutputError, match="is the input itself"):
        edit_file(model, output, SHIFT)
    assert files(folder) == before


def test_undo_does_not_overwrite_the_edited_file(tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.pt"
    edit_file(tiny, out, SHIFT)
    before = files(tmp_path)
    with pytest.raises(OutputError, match="is the input itself"):
        undo(out, out)
    assert files(tmp_path) == before


def test_a_link_edited_in_place_stays_a_link(model: Path) -> None:
    link = model.parent / "link.pt"
    link.symlink_to("model.pt")
    before = model.read_bytes()
    edit_file(link, link, SHIFT, in_place=True)
    assert link.is_symlink()
    assert model.read_bytes() != before
    undo(model, model, in_place=True)
    assert model.read_bytes() == before


@pytest.mark.parametrize("damage", ["grown", "changed", "restored already"])
def test_a_file_that_changed_since_is_not_undone(tiny: Path, tmp_path: Path, damage: str) -> None:
    out = tmp_path / "out.pt"
    edit_file(tiny, out, SHIFT)
    data = bytearray(out.read_bytes())
    if damage == "grown":
        data += b"\0"
    elif damage == "changed":
        data[5000] ^= 1
    else:
        data = bytearray(tiny.read_bytes())
    out.write_bytes(data)
    before = files(tmp_path)
    message = "original already" if damage == "restored already" else "has changed since the edit"
    with pytest.raises(CheckpointError, match=message):
        undo(out, tmp_path / "back.pt")
    assert files(tmp_path) == before


def test_undo_data_that_restore_something_else_are_refused(tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.pt"
    edit_file(tiny, out, SHIFT)
    data = json.loads(path_for(out).read_bytes())
    data["undo"]["pieces"][0] = [1, data["undo"]["pieces"][0][1]]
    path_for(out).write_text(json.dumps(data))
    before = files(tmp_path)
    with pytest.raises(CheckpointError, match="they do not restore"):
        undo(out, tmp_path / "back.pt")
    assert files(tmp_path) == before


class Crash(BaseException):
    """The process ends here."""


def crash_at_rename(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let the process end just before its nth rename."""
    real, seen = Path.replace, iter(range(100))

    def replace(self: Path, target: Path) -> Path:
        if next(seen) == number:
            raise Crash
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)


@pytest.mark.parametrize("number", [0, 1])
def test_a_crash_in_place_leaves_old_or_new_and_always_the_undo_data(
    model: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = model.read_bytes()
    edit_file(model, model, RENAME, in_place=True)
    once = model.read_bytes()
    with monkeypatch.context() as patch:
        crash_at_rename(patch, number)
        with pytest.raises(Crash):
            edit_file(model, model, SHIFT, in_place=True)
    assert model.read_bytes() == once  # the model itself is renamed last
    undo(model, model, in_place=True)
    assert model.read_bytes() == original
    assert not path_for(model).exists()


def test_after_a_crash_in_place_the_edit_can_be_made_again(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = [files(model.parent)]
    edit_file(model, model, RENAME, in_place=True)
    states.append(files(model.parent))
    with monkeypatch.context() as patch:
        crash_at_rename(patch, 1)
        with pytest.raises(Crash):
            edit_file(model, model, SHIFT, in_place=True)
    edit_file(model, model, SHIFT, in_place=True)
    for expected in reversed(states):
        undo(model, model, in_place=True)
        assert files(model.parent) == expected


@pytest.mark.parametrize("number", [0, 1])
def test_a_crash_elsewhere_leaves_old_or_new(
    tiny: Path, tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.pt"
    edit_file(tiny, out, RENAME)
    old, manifest = out.read_bytes(), path_for(out).read_bytes()
    with monkeypatch.context() as patch:
        crash_at_rename(patch, number)
        with pytest.raises(Crash):
            edit_file(tiny, out, SHIFT, force=True)
    assert (out.read_bytes() == old) == (number == 0)
    assert path_for(out).read_bytes() == manifest
    read(out)
    assert sorted(files(tmp_path)) == ["out.pt", "out.pt.headlab.json"]


def test_a_failing_writer_leaves_everything_as_it_was(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.pt"
    edit_file(tiny, out, RENAME)
    before = files(tmp_path)
    checkpoint, recipe = edited(tiny, SHIFT)
    (tmp_path / "gone.pt").write_bytes(tiny.read_bytes())
    monkeypatch.setattr(write, "reverse_delta", lambda *_: write.Delta((), b""))
    with pytest.raises(CheckpointError, match="could not be made reversible"):
        save(checkpoint, out, [recipe], force=True)
    (tmp_path / "gone.pt").unlink()
    assert files(tmp_path) == before


def test_a_folder_that_is_missing_or_in_the_way(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"no such folder\. Nothing was changed"):
        edit_file(tiny, tmp_path / "none" / "out.pt", SHIFT)
    (tmp_path / "folder.pt").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        edit_file(tiny, tmp_path / "folder.pt", SHIFT)
    assert files(tmp_path) == {}
    assert list((tmp_path / "folder.pt").iterdir()) == []


def test_a_read_only_folder(tiny: Path, tmp_path: Path) -> None:
    model, folder = tmp_path / "in.pt", tmp_path / "out"
    model.write_bytes(tiny.read_bytes())
    model.chmod(0o644)
    folder.mkdir(mode=0o555)
    tmp_path.chmod(0o755)
    edit_file(model, tmp_path / "allowed.pt", SHIFT)  # nobody may not import what this imports
    said = as_nobody(tmp_path, lambda: edit_file(model, folder / "out.pt", SHIFT))
    assert "may not be written" in said
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_target_says_so(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fdopen

    def full(handle: int, mode: str) -> Any:
        real(handle, mode).close()
        return Path("/dev/full").open(mode)

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(OutputError, match=r"disk is full\. Nothing was changed"):
        edit_file(tiny, tmp_path / "out.pt", SHIFT)
    assert files(tmp_path) == {}


def test_a_manifest_that_is_not_one_is_not_overwritten(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "out.pt.headlab.json").write_text("my notes")
    with pytest.raises(OutputError, match="is in the place of the manifest"):
        edit_file(tiny, tmp_path / "out.pt", SHIFT)
    assert files(tmp_path) == {"out.pt.headlab.json": b"my notes"}


def test_undo_of_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such file"):
        undo(tmp_path / "none.pt", tmp_path / "back.pt")


def test_a_training_checkpoint_edits_the_weights_that_are_loaded(tmp_path: Path) -> None:
    path = models.training_checkpoint(tmp_path)
    before, out = read(path), tmp_path / "out.pt"
    edit_file(path, out, {"op": "shift", "by": 1}, {"op": "rename", "names": {"ant": "x"}})
    after = read(out)
    assert (before.live, after.live) == ("ema", "ema")
    assert after.class_names == ("x", "bee", "cat")
    undo(out, tmp_path / "back.pt")
    assert (tmp_path / "back.pt").read_bytes() == path.read_bytes()


def test_edits_of_edits_in_memory_are_written_together(tiny: Path, tmp_path: Path) -> None:
    checkpoint, recipes = read(tiny), []
    steps: list[dict[str, Any]] = [
        {"op": "keep", "classes": ["bee", "cat", "dog"]},
        {"op": "shift", "by": 1},
        {"op": "rename", "names": {"cat": "猫"}},
        {"op": "drop", "classes": ["dog"]},
    ]
    for step in steps:
        recipes.append(from_data({"version": 1, "operations": [step]}))
        checkpoint = apply(checkpoint, plan(checkpoint, identify(checkpoint), recipes[-1]))
    save(checkpoint, tmp_path / "out.pt", recipes)
    again, name = read(tmp_path / "out.pt"), "model.22.cv3.0.2.bias"
    assert again.class_names == ("bee", "猫")
    # Kept: bee, cat, dog. Shifted by 1: dog, bee, cat. Without the last: dog, bee.
    assert again.array(name).tobytes() == read(tiny).array(name)[[3, 1]].tobytes()


def test_a_name_that_is_not_utf8_is_kept(tiny: Path, tmp_path: Path) -> None:
    """The manifest names its files; such a name is half characters to Python."""
    model = Path(os.fsdecode(os.fsencode(tmp_path) + b"/m\xff.pt"))
    shutil.copy(tiny, model)
    saved = edit_file(model, tmp_path / "out.pt", SHIFT)
    assert json.loads(saved.manifest.read_bytes())["input"]["name"] == "m\udcff.pt"
    undo(tmp_path / "out.pt", tmp_path / "back.pt")
    assert (tmp_path / "back.pt").read_bytes() == tiny.read_bytes()
