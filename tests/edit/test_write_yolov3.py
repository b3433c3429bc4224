"""Edits of YOLOv3 files in every format: what is written, what lies beside it, and the way back."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from headlab.checkpoint.manifest import path_for
from headlab.edit.apply import apply
from headlab.edit.plan import plan
from headlab.edit.recipe_from_options import recipe_from_options
from headlab.edit.undo import undo
from headlab.edit.write import Saved, save
from headlab.errors import CheckpointError, InputError, OutputError
from headlab.families.identify import identify
from headlab.families.read import read
from yolov3_models import random_model, saved

FORMATS = (".weights", ".h5", ".weights.h5", ".safetensors")
SHIFT = {"shift": ["P5/2=1"]}
RENAME = {"rename": ["cat=a much longer name than before, so that bytes move: 猫"]}
KEEP = {"keep": ["ant,cat"]}


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with model.weights, model.cfg, …; the same model in every format. Tests only read it."""
    folder = tmp_path_factory.mktemp("originals")
    for suffix in FORMATS:
        saved(random_model(), folder / f"model{suffix}")
    return folder


def edit_file(
    path: Path,
    output: Path,
    *steps: dict[str, list[str]],
    in_place: bool = False,
    force: bool = False,
) -> Saved:
    checkpoint, recipes = read(path), []
    for options in steps:
        recipes.append(recipe_from_options(options))
        checkpoint = apply(checkpoint, plan(checkpoint, identify(checkpoint), recipes[-1]))
    return save(checkpoint, output, recipes, in_place=in_place, force=force)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def same_numbers(one: Any, other: Any) -> bool:
    return list(one.tensors) == list(other.tensors) and all(
        one.array(name).tobytes() == other.array(name).tobytes() for name in one.tensors
    )


@pytest.fixture
def darknet(originals: Path, tmp_path: Path) -> Path:
    """A darknet model with its .cfg and .names, which a test may change."""
    for suffix in (".weights", ".cfg", ".names"):
        shutil.copy(originals / f"model{suffix}", tmp_path / f"model{suffix}")
    return tmp_path / "model.weights"


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_output_reads_as_edited_and_undo_restores_the_bytes(
    originals: Path, tmp_path: Path, suffix: str
) -> None:
    model, out, back = (
        originals / f"model{suffix}",
        tmp_path / f"o{suffix}",
        tmp_path / f"b{suffix}",
    )
    checkpoint = read(model)
    for options in (SHIFT, RENAME):
        checkpoint = apply(
            checkpoint, plan(checkpoint, identify(checkpoint), recipe_from_options(options))
        )
    written = edit_file(model, out, SHIFT, RENAME)
    assert not written.no_undo
    again = read(out)
    assert again.class_names == checkpoint.class_names
    assert same_numbers(again, checkpoint)
    undo(out, back)
    assert back.read_bytes() == model.read_bytes()
    restored = read(back)
    assert restored.class_names == read(model).class_names == ("ant", "bee", "cat")
    assert same_numbers(restored, read(model))


@pytest.mark.parametrize("suffix", FORMATS)
def test_kept_classes_in_every_format(originals: Path, tmp_path: Path, suffix: str) -> None:
    written = edit_file(originals / f"model{suffix}", tmp_path / f"k{suffix}", KEEP, SHIFT)
    assert "keep the input file" in written.no_undo
    kept = read(written.output)
    assert kept.class_names == ("ant", "cat")
    expected = read(originals / f"model{suffix}").array("P5.output.bias").reshape(3, 8)
    # The box, objectness and class rows 0..4, 5, 7 of each slot; then the two classes change
    # places in slot 2.
    expected = expected[:, [0, 1, 2, 3, 4, 5, 7]]
    expected[2, 5:] = expected[2, [6, 5]]
    assert kept.array("P5.output.bias").tobytes() == expected.tobytes()
    assert [level.name for level in identify(kept).levels] == ["P4", "P5"]
    with pytest.raises(CheckpointError, match="cannot be undone"):
        undo(written.output, tmp_path / f"b{suffix}")


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        *((suffix, SHIFT) for suffix in FORMATS),
        (".h5", RENAME),  # headlab's own .h5 holds the names itself
        (".safetensors", RENAME),
    ],
)
def test_in_place_and_back_leaves_no_trace(
    originals: Path, tmp_path: Path, suffix: str, options: dict[str, list[str]]
) -> None:
    for path in originals.iterdir():
        shutil.copy(path, tmp_path)
    before, model = files(tmp_path), tmp_path / f"model{suffix}"
    edit_file(model, model, options, in_place=True)
    after = files(tmp_path)
    assert set(after) == {*before, path_for(model).name}
    assert [name for name in before if after[name] != before[name]] == [model.name]
    undo(model, model, in_place=True)
    assert files(tmp_path) == before


def test_companions_lie_beside_the_output_and_the_restored_file(
    darknet: Path, tmp_path: Path
) -> None:
    cfg = darknet.with_suffix(".cfg").read_bytes()
    folder = tmp_path / "out"
    folder.mkdir()
    written = edit_file(darknet, folder / "s.weights", RENAME)
    assert written.companions == (folder / "s.cfg", folder / "s.names")
    assert (folder / "s.cfg").read_bytes() == cfg
    assert "猫" in (folder / "s.names").read_text("utf-8")
    restored = undo(folder / "s.weights", folder / "r.weights")
    assert restored.companions == (folder / "r.cfg", folder / "r.names")
    assert (folder / "r.cfg").read_bytes() == cfg
    assert (folder / "r.names").read_bytes() == darknet.with_suffix(".names").read_bytes()


def test_the_manifest_holds_the_originals_companions(darknet: Path, tmp_path: Path) -> None:
    written = edit_file(darknet, tmp_path / "s.weights", RENAME)
    data = json.loads(written.manifest.read_bytes())
    assert data["companions"][".names"] == {"text": "ant\nbee\ncat\n"}
    assert data["companions"][".cfg"]["text"].encode() == darknet.with_suffix(".cfg").read_bytes()


def test_undoing_an_output_in_place_restores_its_companions_too(
    darknet: Path, tmp_path: Path
) -> None:
    out = edit_file(darknet, tmp_path / "s.weights", RENAME).output
    undo(out, out, in_place=True)
    assert out.read_bytes() == darknet.read_bytes()
    assert (tmp_path / "s.names").read_text("utf-8") == "ant\nbee\ncat\n"
    assert read(out).class_names == ("ant", "bee", "cat")


def test_undoing_an_edit_in_place_leaves_the_files_beside_it_alone(darknet: Path) -> None:
    edit_file(darknet, darknet, SHIFT, in_place=True)
    darknet.with_suffix(".names").write_text("eins\nzwei\ndrei\n")
    undo(darknet, darknet, in_place=True)
    assert read(darknet).class_names == ("eins", "zwei", "drei")


@pytest.mark.parametrize("options", [RENAME, {"reorder": ["cat,bee,ant"]}])
def test_what_would_change_a_companion_is_not_done_in_place(
    darknet: Path, options: dict[str, list[str]]
) -> None:
    before = files(darknet.parent)
    with pytest.raises(OutputError, match=r"changes what model\.names says too") as caught:
        edit_file(darknet, darknet, options, in_place=True)
    assert "-o" in caught.value.hint
    with pytest.raises(OutputError, match="cannot replace the input in place"):
        edit_file(darknet, darknet, KEEP, in_place=True)
    assert files(darknet.parent) == before


def test_a_strangers_file_is_not_overwritten(darknet: Path, tmp_path: Path) -> None:
    (tmp_path / "s.names").write_text("my notes")
    before = files(tmp_path)
    with pytest.raises(
        OutputError, match=r"s\.names is in the place of a companion file of s\.weights"
    ):
        edit_file(darknet, tmp_path / "s.weights", SHIFT)
    assert files(tmp_path) == before
    (tmp_path / "s.names").unlink()
    edit_file(darknet, tmp_path / "s.weights", SHIFT)
    (tmp_path / "r.cfg").write_text("my notes")
    before = files(tmp_path)
    with pytest.raises(
        OutputError, match=r"r\.cfg is in the place of a companion file of r\.weights"
    ):
        undo(tmp_path / "s.weights", tmp_path / "r.weights")
    assert files(tmp_path) == before


def test_an_older_output_is_replaced_with_its_companions(darknet: Path, tmp_path: Path) -> None:
    edit_file(darknet, tmp_path / "s.weights", RENAME)
    edit_file(darknet, tmp_path / "s.weights", {"keep": ["bee"]}, force=True)
    assert read(tmp_path / "s.weights").class_names == ("bee",)
    edit_file(darknet, tmp_path / "s.weights", SHIFT, force=True)
    assert read(tmp_path / "s.weights").class_names == ("ant", "bee", "cat")
    undo(tmp_path / "s.weights", tmp_path / "b.weights")
    assert (tmp_path / "b.weights").read_bytes() == darknet.read_bytes()


def test_a_refused_output_leaves_no_companion_behind(darknet: Path, tmp_path: Path) -> None:
    (tmp_path / "s.weights.headlab.json").write_text("my notes")
    before = files(tmp_path)
    with pytest.raises(OutputError, match="is in the place of the manifest"):
        edit_file(darknet, tmp_path / "s.weights", SHIFT)
    with pytest.raises(OutputError, match="no such folder"):
        edit_file(darknet, tmp_path / "none" / "s.weights", SHIFT)
    assert files(tmp_path) == before


class Crash(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("number", range(4))
def test_a_crash_never_leaves_a_model_without_its_companions(
    darknet: Path, tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of four renames (cfg, names, model, manifest) the process does not get beyond `number`."""
    real, seen = Path.replace, iter(range(100))

    def replace(self: Path, target: Path) -> Path:
        if next(seen) == number:
            raise Crash
        return real(self, target)

    out = tmp_path / "s.weights"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        with pytest.raises(Crash):
            edit_file(darknet, out, RENAME)
    assert out.exists() == (number == 3)
    if out.exists():
        assert "猫" in read(out).class_names[2]
    edit_file(darknet, out, RENAME, force=True)
    undo(out, tmp_path / "r.weights")
    assert (tmp_path / "r.weights").read_bytes() == darknet.read_bytes()


def test_the_format_is_kept(originals: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"edit keeps the format.* ends in \.weights\."):
        edit_file(originals / "model.weights", tmp_path / "s.h5", SHIFT)
    out = edit_file(originals / "model.h5", tmp_path / "s.h5", SHIFT).output
    with pytest.raises(InputError, match=r"ends in \.h5\."):
        undo(out, tmp_path / "RESTORED")
    assert sorted(files(tmp_path)) == ["s.h5", "s.h5.headlab.json"]


def test_keras_own_file_takes_its_anchors_and_names_along(shared: Path, tmp_path: Path) -> None:
    packed = shared / "golden" / "tiny_random_legacy.h5.gz"
    model = tmp_path / "tiny.h5"
    model.write_bytes(gzip.decompress(packed.read_bytes()))
    (tmp_path / "tiny_anchors.txt").write_text("10,14, 23,27, 37,58, 81,82, 135,169, 344,319")
    (tmp_path / "tiny_classes.txt").write_text("ant\nbee\ncat\n")
    out = tmp_path / "out"
    out.mkdir()
    written = edit_file(model, out / "s.h5", SHIFT, RENAME)
    assert written.companions
    again = read(out / "s.h5")
    assert again.class_names[:2] == ("ant", "bee")
    assert "猫" in again.class_names[2]
    assert identify(again).levels[1].anchors_wh_px == ((81, 82), (135, 169), (344, 319))
    undo(out / "s.h5", out / "r.h5")
    assert (out / "r.h5").read_bytes() == model.read_bytes()
    assert read(out / "r.h5").class_names == ("ant", "bee", "cat")


def test_in_place_allows_the_input_but_does_not_make_it_the_output(
    darknet: Path, tmp_path: Path
) -> None:
    """Elsewhere, what belongs beside the file is written even so."""
    (tmp_path / "new").mkdir()
    edit_file(darknet, tmp_path / "new" / "o.weights", RENAME, in_place=True)
    assert read(tmp_path / "new" / "o.weights").class_names[2].startswith("a much longer name")


def test_an_input_that_went_away(darknet: Path, tmp_path: Path) -> None:
    checkpoint, recipe = read(darknet), recipe_from_options(SHIFT)
    edited = apply(checkpoint, plan(checkpoint, identify(checkpoint), recipe))
    darknet.unlink()
    with pytest.raises(CheckpointError, match=r"model\.weights: cannot be read: No such file"):
        save(edited, tmp_path / "o.weights", [recipe])
    assert sorted(files(tmp_path)) == ["model.cfg", "model.names"]
