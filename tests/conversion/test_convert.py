"""A conversion keeps what a model computes, and says so only after it has looked."""

from __future__ import annotations

import resource
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import yolov3_models
from headlab.checkpoint.yolov3.in_memory import in_memory
from headlab.checkpoint.yolov3.read import read_yolov3
from headlab.conversion.convert import TOLERANCE, convert
from headlab.errors import CheckpointError, InputError, OutputError
from headlab.families.read import read
from headlab.families.yolov3.remarks import remarks
from unprivileged import as_nobody

SUFFIXES = (".weights", ".h5", ".weights.h5", ".safetensors")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    return yolov3_models.saved(yolov3_models.random_model(), folder / "m.safetensors")


@pytest.mark.parametrize("suffix", [each for each in SUFFIXES if each != ".safetensors"])
def test_there_and_back(model: Path, tmp_path: Path, suffix: str) -> None:
    """The description survives, and the numbers do bit by bit: Keras' other epsilon included."""
    there, back = tmp_path / f"there{suffix}", tmp_path / "back.safetensors"
    for source, target in ((model, there), (there, back)):
        done = convert(source, target)
        assert done.difference <= TOLERANCE * max(1.0, done.largest_output)
        assert done.input_hw_px == (96, 96)
    first, last = read(model), read(back)
    assert last.class_names == first.class_names
    assert last.metadata == first.metadata
    for name in first.tensors:
        assert np.array_equal(first.array(name), last.array(name)), name


def test_darknet_to_keras_to_darknet_gives_the_same_bytes(shared: Path, tmp_path: Path) -> None:
    original = shared / "weights" / "yolov3-tiny.weights"
    convert(original, tmp_path / "k.h5")
    done = convert(tmp_path / "k.h5", tmp_path / "d.weights")
    assert (tmp_path / "d.weights").read_bytes() == original.read_bytes()
    assert [path.name for path in done.written] == ["d.weights", "d.names", "d.cfg"]


def test_the_outputs_stay_though_the_epsilon_changes(shared: Path, tmp_path: Path) -> None:
    """The variances of the file change, by 1e-6 - 1e-3, and the outputs do not."""
    import h5py

    original = shared / "weights" / "yolov3-tiny.weights"
    done = convert(original, tmp_path / "k.h5")
    assert done.difference < 1e-4
    variance = read(original).array("backbone.conv1.norm.running_var").astype(np.float64)
    with h5py.File(tmp_path / "k.h5") as file:
        stored = file["batch_normalization_1/batch_normalization_1/moving_variance:0"][...]
    assert np.array_equal(stored, (variance + 1e-6 - 1e-3).astype(np.float32))


def test_numbers_as_keras_yolo3s_own_converter_puts_them(shared: Path, tmp_path: Path) -> None:
    original = shared / "weights" / "yolov3-tiny.weights"
    convert(original, tmp_path / "k.h5", batch_norm_epsilon=1e-3)
    found = read(tmp_path / "k.h5")
    assert found.metadata["batch_norm_epsilon"] == 1e-3
    name = "backbone.conv1.norm.running_var"
    assert np.array_equal(found.array(name), read(original).array(name))


def test_a_file_of_ones_own_beside_the_target_is_not_replaced(model: Path, tmp_path: Path) -> None:
    (tmp_path / "out.cfg").write_text("mine")
    with pytest.raises(
        OutputError, match=r"out\.cfg is a companion file of out\.weights.*Nothing was"
    ):
        convert(model, tmp_path / "out.weights")
    assert [path.name for path in tmp_path.iterdir()] == ["out.cfg"]
    convert(model, tmp_path / "out.weights", force=True)
    assert "mine" not in (tmp_path / "out.cfg").read_text()
    with pytest.raises(OutputError, match=r"out\.weights exists already"):
        convert(model, tmp_path / "out.weights")


def test_the_source_is_not_the_target(model: Path) -> None:
    with pytest.raises(OutputError, match="is the input itself"):
        convert(model, model)


def test_a_name_that_asks_for_no_format(model: Path, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"x\.onnx: the name does not say in which format"
    ) as error:
        convert(model, tmp_path / "x.onnx")
    assert ".weights (darknet weights)" in error.value.hint
    assert not list(tmp_path.iterdir())


def test_an_ultralytics_checkpoint_has_no_such_form(yolov8n: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="this is an ultralytics checkpoint"):
        convert(yolov8n, tmp_path / "x.h5")


def test_an_input_size_that_does_not_fit(model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"100 x 64 px does not fit.*multiples of 32 px"):
        convert(model, tmp_path / "x.weights", imgsz=(100, 64))
    convert(model, tmp_path / "x.weights", imgsz=(128, 64))
    assert read(tmp_path / "x.weights").input_hw_px == (128, 64)


def test_a_folder_that_is_not_there(model: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="there is no such folder"):
        convert(model, tmp_path / "none" / "x.h5")


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    random = yolov3_models.random_model()
    broken = np.array(random.array("P5.output.bias"))
    broken[0] = np.nan
    arrays = {**random.arrays, "P5.output.bias": broken}
    source = yolov3_models.saved(in_memory(random.described, arrays), tmp_path / "m.safetensors")
    with pytest.raises(CheckpointError, match=r"P5\.output\.bias holds NaN or infinite values"):
        convert(source, tmp_path / "x.h5")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.safetensors"]


def test_a_damaged_source_leaves_nothing_behind(shared: Path, tmp_path: Path) -> None:
    for name in ("yolov3-tiny.weights", "yolov3-tiny.cfg", "coco.names"):
        shutil.copy(shared / "weights" / name, tmp_path)
    path = tmp_path / "yolov3-tiny.weights"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-4002])
    with pytest.raises(CheckpointError):
        convert(path, tmp_path / "x.h5")
    assert not list(tmp_path.glob("x*"))
    assert not list(tmp_path.glob(".headlab-*"))


def test_a_description_of_other_anchors_travels_along(tmp_path: Path) -> None:
    random = yolov3_models.random_model(class_names=("猫", "traffic light"))
    described = replace(random.described, masks=((3, 4, 5), (0, 1, 2)))
    source = yolov3_models.saved(in_memory(described, random.arrays), tmp_path / "m.safetensors")
    convert(source, tmp_path / "x.weights")
    found = read(tmp_path / "x.weights")
    assert found.class_names == ("猫", "traffic light")
    assert found.metadata["masks"] == [[3, 4, 5], [0, 1, 2]]


def test_a_folder_in_the_way_leaves_nothing_behind(model: Path, tmp_path: Path) -> None:
    for name in ("out.h5", "text_anchors.txt"):
        (tmp_path / name).mkdir()
    with pytest.raises(OutputError, match=r"out\.h5: cannot be written: it is a folder"):
        convert(model, tmp_path / "out.h5")
    with pytest.raises(OutputError, match=r"text_anchors\.txt: cannot be written: it is a folder"):
        convert(model, tmp_path / "text.h5", force=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.h5", "text_anchors.txt"]


def test_a_link_is_followed_and_permissions_stay(model: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link, real = tmp_path / "out.h5", tmp_path / "real" / "target.h5"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real)
    convert(model, link, force=True)
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert read(link).class_names == read(model).class_names
    assert [path.name for path in real.parent.iterdir()] == ["target.h5"]


def test_a_read_only_file_is_not_replaced(model: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    target = tmp_path / "out.safetensors"
    target.write_bytes(b"mine")
    target.chmod(0o444)
    copy = tmp_path / "copy.safetensors"
    shutil.copy(model, copy)
    told = as_nobody(tmp_path, lambda: convert(copy, target))
    assert "out.safetensors: the file is read-only" in told
    assert target.read_bytes() == b"mine"


def test_a_full_disk_is_told_of_the_target(model: Path, tmp_path: Path) -> None:
    """The folder in which the result is made is no business of the user's."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        for suffix in SUFFIXES:
            target = tmp_path / f"out{suffix}"
            with pytest.raises(OutputError) as error:
                convert(model, target)
            assert str(error.value).startswith(f"{target}: cannot be written: ")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("size", [(32_800, 64), (64, 0), (-32, 32), 0])
def test_an_input_size_that_no_file_may_say(
    model: Path, tmp_path: Path, size: int | tuple[int, int]
) -> None:
    with pytest.raises(InputError, match=r"px does not do: sides of up to 32,768 px"):
        convert(model, tmp_path / "x.h5", imgsz=size)


def test_one_number_is_a_square_input(model: Path, tmp_path: Path) -> None:
    convert(model, tmp_path / "x.h5", imgsz=64)
    assert read(tmp_path / "x.h5").input_hw_px == (64, 64)


@pytest.mark.parametrize("epsilon", [0.0, -1.0, 1.0, float("nan")])
def test_an_epsilon_that_is_none(model: Path, tmp_path: Path, epsilon: float) -> None:
    with pytest.raises(InputError, match=r"epsilon is .*between 0 and 1 was expected"):
        convert(model, tmp_path / "x.h5", batch_norm_epsilon=epsilon)


def test_the_official_tiny_weights_fit_keras_yolo3_as_it_is(shared: Path, tmp_path: Path) -> None:
    """They were trained with keras-yolo3's masks; the official cfg is what says something else."""
    done = convert(shared / "weights" / "yolov3-tiny.weights", tmp_path / "k.h5")
    (note,) = done.notes
    assert "trained with [[3,4,5], [1,2,3]], which keras-yolo3's code has" in note
    (remark,) = remarks(read_yolov3(tmp_path / "k.h5"))
    assert "this file says 0,1,2" in remark
    assert ".cfg says mask = 1,2,3." in remark


def test_a_conversion_without_names_says_so(tmp_path: Path) -> None:
    model = yolov3_models.saved(yolov3_models.random_model(), tmp_path / "m.weights")
    model.with_suffix(".names").unlink()
    made = convert(model, tmp_path / "out.h5")
    assert any(note.startswith("No class names were found next to it") for note in made.notes)
    named = tmp_path / "somewhere.txt"
    named.write_text("ant\nbee\ncat\n")
    made = convert(
        model, tmp_path / "named.h5", names=named
    )  # the companion of out.h5 is not its own
    assert not any("class names" in note for note in made.notes)
    assert (tmp_path / "named_classes.txt").read_text() == named.read_text()
