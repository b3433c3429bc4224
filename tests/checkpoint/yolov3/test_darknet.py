"""darknet models: `.weights` with the texts beside them, read, edited and written."""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from darknet_files import HEADER_BYTES, line_of, placed, weights_bytes

from headlab.checkpoint.checkpoint import Checkpoint
from headlab.checkpoint.yolov3.anchor_list import anchors_text
from headlab.checkpoint.yolov3.architecture import LEVELS
from headlab.checkpoint.yolov3.companion_files import CompanionFiles
from headlab.checkpoint.yolov3.darknet.cfg_text import cfg_text
from headlab.checkpoint.yolov3.darknet.checkpoint import DarknetCheckpoint, read_darknet
from headlab.checkpoint.yolov3.in_memory import in_memory
from headlab.errors import CheckpointError, InputError
from headlab.families.read import read
from headlab.files.class_names import class_names_text
from yolov3_models import description, random_model

REAL_SHA256 = "dccea06f59b781ec1234ddf8d1e94b9519a97f4245748a7d4db75d5b7080a42c"


def written(checkpoint: Checkpoint) -> bytes:
    file = BytesIO()
    checkpoint.write(file)
    return file.getvalue()


def refusal(path: Path, beside: CompanionFiles | None = None) -> CheckpointError:
    with pytest.raises(CheckpointError) as caught:
        read_darknet(path, beside or CompanionFiles())
    return caught.value


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return placed(random_model(), tmp_path / "voc.weights")


def test_the_official_file_is_written_as_it_was(shared: Path) -> None:
    found = read(shared / "weights" / "yolov3-tiny.weights")
    assert isinstance(found, DarknetCheckpoint)
    assert (found.format, found.description.variant) == ("darknet", "yolov3-tiny")
    assert (found.class_names[16], found.input_hw_px) == ("dog", (416, 416))
    assert found.about["darknet_version"] == [0, 2, 0]
    assert found.about["seen"] == 32_013_312  # 500,200 batches of 64 images
    for data in (weights_bytes(found), written(found)):
        assert hashlib.sha256(data).hexdigest() == REAL_SHA256
    assert found.companions()[".cfg"] == (shared / "weights" / "yolov3-tiny.cfg").read_bytes()


@pytest.mark.parametrize("variant", LEVELS)
def test_every_network_reads_back_the_same(tmp_path: Path, variant: str) -> None:
    described = replace(description(variant, ("ant",)), darknet_version=(0, 1, 7), seen=640)
    if variant == "yolov3-tiny":
        model = in_memory(described, random_model(variant, ("ant",)).arrays)
        path = placed(model, tmp_path / "net.weights")
        found = read_darknet(path, CompanionFiles())
        for name, numbers in found.read_all().items():
            np.testing.assert_array_equal(numbers, model.array(name))
            np.testing.assert_array_equal(found.stored(name), numbers)
        assert weights_bytes(found) == path.read_bytes()
    else:  # large: only the number of numbers is checked, in a file without blocks on the disk
        path = tmp_path / "net.weights"
        path.write_bytes(b"\0\0\0\0\1\0\0\0\7\0\0\0" + (640).to_bytes(4, "little"))
        with path.open("r+b") as file:
            file.truncate(16 + 4 * described.architecture.floats)
        path.with_suffix(".cfg").write_text(cfg_text(described))
        path.with_suffix(".names").write_text("ant")
        found = read_darknet(path, CompanionFiles())
        assert not found.stored("P3.output.bias").any()
    assert found.description == described


def test_an_edit_that_keeps_shapes_changes_its_own_bytes_only(tiny: Path) -> None:
    found = read_darknet(tiny, CompanionFiles())
    bias = found.stored("P4.output.bias") + np.float32(1)
    edited = found.edited({"P4.output.bias": bias}, ("ant", "bee", "cow"))
    before, after = tiny.read_bytes(), written(edited)
    # Bias first, kernel last: the output of P4 ends the file with 24 biases and 24 x 256 weights.
    start = len(before) - 4 * (24 + 24 * 256)
    assert after[:start] == before[:start]
    assert after[start : start + 96] == bias.tobytes()
    assert after[start + 96 :] == before[start + 96 :]
    assert after == weights_bytes(edited)
    assert edited.companions() == {
        ".cfg": tiny.with_suffix(".cfg").read_bytes(),
        ".names": b"ant\nbee\ncow\n",
    }


def test_an_edit_that_removes_a_class(tiny: Path, tmp_path: Path) -> None:
    cfg = tiny.with_suffix(".cfg")
    cfg.write_bytes(("# 学習\n" + cfg.read_text("utf-8")).replace("\n", "\r\n").encode("cp932"))
    found = read_darknet(tiny, CompanionFiles())
    rows = [row for row in range(24) if row % 8 != 5]  # without class 0 of each of three slots
    arrays = {
        name: found.stored(name)[rows]
        for level in ("P5", "P4")
        for name in (f"{level}.output.weight", f"{level}.output.bias")
    }
    edited = found.edited(arrays, ("bee", "cat"))
    assert edited.companions()[".names"] == b"bee\ncat\n"
    expected = cfg.read_bytes().replace(b"filters=24", b"filters=21")
    assert edited.companions()[".cfg"] == expected.replace(b"classes=3", b"classes=2")
    out = tmp_path / "out" / "two.weights"
    out.parent.mkdir()
    out.write_bytes(written(edited))
    for suffix, data in edited.companions().items():
        out.with_suffix(suffix).write_bytes(data)
    again = read_darknet(out, CompanionFiles())
    assert again.description == edited.description
    np.testing.assert_array_equal(again.stored("P5.output.weight"), arrays["P5.output.weight"])
    np.testing.assert_array_equal(
        again.stored("P5.body1.conv.weight"), found.stored("P5.body1.conv.weight")
    )


def test_without_names_the_classes_are_numbers(tmp_path: Path) -> None:
    path = placed(random_model(), tmp_path / "voc.weights", names=False)
    assert read_darknet(path, CompanionFiles()).class_names == ("0", "1", "2")


def test_names_are_found_by_their_number(tiny: Path) -> None:
    tiny.with_suffix(".names").rename(tiny.with_name("my_classes.txt"))
    tiny.with_name("coco.names").write_text("a\nb\n")
    assert read_darknet(tiny, CompanionFiles()).class_names == ("ant", "bee", "cat")


def test_the_wrong_number_of_names(tiny: Path) -> None:
    names = tiny.with_suffix(".names")
    names.write_text("ant\nbee\n")
    error = refusal(tiny)
    cfg = tiny.with_suffix(".cfg")
    assert error.message == f"{names}: the file has 2 class names, but {cfg} says classes=3."


def test_named_files_that_are_missing(tiny: Path, tmp_path: Path) -> None:
    absent = tmp_path / "absent.txt"
    for beside in (
        CompanionFiles(cfg=absent),
        CompanionFiles(names=absent),
        CompanionFiles(anchors=absent),
    ):
        with pytest.raises(InputError) as caught:
            read_darknet(tiny, beside)
        assert caught.value.message == f"{absent}: cannot be read: there is no such file."


def test_named_anchors_must_be_those_of_the_cfg(tiny: Path, tmp_path: Path) -> None:
    anchors = tmp_path / "a.txt"
    anchors.write_text(anchors_text(description().anchors_wh_px))
    assert read_darknet(tiny, CompanionFiles(anchors=anchors)).description == description()
    anchors.write_text("1,2")
    assert (
        "these anchors are not those of" in refusal(tiny, CompanionFiles(anchors=anchors)).message
    )


def test_japanese_names_and_paths(tmp_path: Path) -> None:
    folder = tmp_path / "学習 結果"
    folder.mkdir()
    model = random_model(class_names=("ねこ", "信号 機"))
    found = read_darknet(placed(model, folder / "最終.weights"), CompanionFiles())
    assert found.class_names == ("ねこ", "信号 機")
    assert found.companions()[".names"] == "ねこ\n信号 機\n".encode()


def without_cfg(path: Path, anchor_count: int, names: tuple[str, ...]) -> Path:
    """Names and anchors, as keras-yolo3 has them, instead of a cfg."""
    anchors = [(n + 1, n + 2) for n in range(anchor_count)]
    (path.parent / "anchors.txt").write_text(anchors_text(anchors))
    (path.parent / "classes.txt").write_text(class_names_text(names))
    return path


def test_names_and_anchors_say_the_network(tmp_path: Path) -> None:
    path = placed(random_model(), tmp_path / "voc.weights", cfg=False, names=False)
    found = read_darknet(without_cfg(path, 6, ("ant", "bee", "cat")), CompanionFiles())
    assert found.cfg is None
    assert found.description.variant == "yolov3-tiny"
    assert found.description.masks == ((3, 4, 5), (1, 2, 3))
    assert found.companions()[".cfg"] == cfg_text(found.description).encode()


def test_names_and_anchors_that_fit_no_network_of_that_size(tmp_path: Path) -> None:
    path = placed(random_model(), tmp_path / "voc.weights", cfg=False, names=False)
    # 3 classes less 2 make 2 * 3 * (512 + 1 + 256 + 1) = 4620 numbers less.
    error = refusal(without_cfg(path, 6, ("ant",)))
    assert (
        "as many as YOLOv3-tiny with 3 classes; YOLOv3-tiny with 1 class has 8,676,244."
        in error.message
    )
    error = refusal(without_cfg(path, 7, ("ant", "bee", "cat")))
    assert "anchors.txt: 7 anchors cannot be shared out among the levels" in error.message


def test_nothing_beside(tmp_path: Path) -> None:
    path = placed(random_model(), tmp_path / "voc_final.weights", cfg=False)
    error = refusal(path)
    # 8,858,734 for 80 classes, less 77 * 2310 (3 slots of 512 + 1 + 256 + 1 numbers) for 3
    assert error.message == (
        f"{path}: there is no .cfg next to it that says which network this is. "
        "It holds 8,680,864 numbers, as many as YOLOv3-tiny with 3 classes."
    )
    assert "Put its .cfg next to it as voc.cfg, name it with --cfg" in error.hint


def test_of_several_cfgs_one_is_needed_unless_all_else_is_named(tiny: Path) -> None:
    cfg = tiny.with_suffix(".cfg")
    cfg.rename(cfg.with_name("a.cfg"))
    cfg.with_name("b.cfg").write_text("")
    assert "several files next to it could be its .cfg: a.cfg, b.cfg" in refusal(tiny).message
    without_cfg(tiny, 6, ("ant", "bee", "cat"))
    beside = CompanionFiles(names=tiny.with_suffix(".names"), anchors=tiny.with_name("anchors.txt"))
    assert read_darknet(tiny, beside).cfg is None
    assert (
        read_darknet(tiny, CompanionFiles(cfg=cfg.with_name("a.cfg"))).description == description()
    )


def cut(path: Path, floats: int) -> Path:
    path.write_bytes(path.read_bytes()[: HEADER_BYTES + 4 * floats])
    return path


def test_a_truncated_file_names_convolution_and_section(tiny: Path) -> None:
    cfg = tiny.with_suffix(".cfg")
    line = line_of(cfg.read_text(), "[convolutional]", 11)
    # Up to P5.output the file has 7,743,344 + 24 * 512 + 24 numbers; P4.lateral has 4 * 128 + 128 * 256.
    end = 7_743_344 + 24 * 513 + 4 * 128 + 128 * 256
    error = refusal(cut(tiny, end - 5))
    assert error.message == (
        f"{tiny}: the file ends within P4.lateral (layer 18, [convolutional] in line {line} of voc.cfg), "
        f"5 numbers before its end: it holds {end - 5:,}, YOLOv3-tiny with 3 classes has 8,680,864."
    )
    assert error.hint == "The file was cut short; copy or download it again."


@pytest.mark.parametrize(
    ("floats", "said"),
    [
        (
            7_743_344,
            "holds the first 9 of the 13 convolutions of YOLOv3-tiny (to P5.expand), no head.",
        ),
        (
            6_298_480,
            "holds the first 7 of the 13 convolutions of YOLOv3-tiny (the backbone), no head.",
        ),
    ],
)
def test_the_first_part_of_a_network_is_for_training(tiny: Path, floats: int, said: str) -> None:
    error = refusal(cut(tiny, floats))
    assert error.message.endswith(said)
    assert error.hint.startswith("Such a file is for starting a training")


def test_weights_of_another_network(tiny: Path, tmp_path: Path) -> None:
    other = placed(
        random_model(class_names=("ant",)), tmp_path / "one.weights", cfg=False, names=False
    )
    tiny.write_bytes(other.read_bytes())
    error = refusal(tiny)
    assert error.message == (
        f"{tiny}: it holds 8,676,244 numbers, as many as YOLOv3-tiny with 1 class; "
        "YOLOv3-tiny with 3 classes has 8,680,864."
    )
    assert error.hint == (
        "voc.cfg says classes=3. Name the .cfg of these weights with --cfg: it has classes=1 in each [yolo], "
        "and filters=18 before it."
    )
    tiny.write_bytes(weights_bytes(random_model()) + bytes(4))
    assert (
        "it holds 8,680,865 numbers, 1 more than YOLOv3-tiny with 3 classes"
        in refusal(tiny).message
    )


def test_a_file_that_vanishes_before_it_is_written(tiny: Path) -> None:
    found = read_darknet(tiny, CompanionFiles())
    tiny.unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        written(found)


# A header that contradicts its version: major, minor, revision, then the images seen, with the other length.
HEADERS = [struct.pack("<3iq", 0, 0, 0, 64_000), struct.pack("<4i", 0, 2, 5, 64_000)]


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_that_contradicts_its_version(tiny: Path, header: bytes) -> None:
    numbers = tiny.read_bytes()[HEADER_BYTES:]
    tiny.write_bytes(header + numbers)
    found = read_darknet(tiny, CompanionFiles())
    assert found.description.seen == 64_000
    assert found.stored("P4.output.bias").tobytes() == numbers[-4 * 24 * 257 :][: 4 * 24]
    assert found.read_all()["backbone.conv1.norm.bias"].tobytes() == numbers[: 4 * 16]
    assert written(found) == header + numbers
    said, held = (4, 8) if len(header) == 20 else (8, 4)
    version = "0.0.0" if len(header) == 20 else "0.2.5"
    assert found.file_remarks == (
        f"{tiny}: by its version, {version}, the header has {said} bytes for the images seen; it has {held}, "
        "since only then the numbers after it are those of the network. It was read so.",
    )
    edited = found.edited({"P4.output.bias": found.stored("P4.output.bias") + 1}, found.class_names)
    after = written(edited)
    assert after[: len(header)] == header
    assert len(after) == len(header) + len(numbers)
    assert after[: -4 * 24 * 257] == (header + numbers)[: -4 * 24 * 257]


def test_a_contradiction_without_a_cfg(tmp_path: Path) -> None:
    path = placed(random_model(), tmp_path / "voc.weights", cfg=False, names=False)
    path.write_bytes(HEADERS[1] + path.read_bytes()[HEADER_BYTES:])
    found = read_darknet(without_cfg(path, 6, ("ant", "bee", "cat")), CompanionFiles())
    assert found.class_names == ("ant", "bee", "cat")
    assert "by its version, 0.2.5" in found.file_remarks[0]


def test_a_file_cut_by_one_number_is_no_contradiction(tiny: Path) -> None:
    """It has the right length for a header of 16 bytes, but means are then where variances should be."""
    error = refusal(cut(tiny, 8_680_863))
    assert "1 numbers before its end" in error.message


def test_images_seen_that_no_short_header_holds(tmp_path: Path) -> None:
    described = replace(description(), darknet_version=(0, 1, 0), seen=1 << 40)
    model = in_memory(described, random_model().arrays)
    assert weights_bytes(model)[:HEADER_BYTES] == struct.pack("<3iq", 0, 2, 0, 1 << 40)


def test_a_repeated_setting_is_said(tiny: Path) -> None:
    cfg = tiny.with_suffix(".cfg")
    cfg.write_text(cfg.read_text().replace("batch=64\n", " batch=1\nbatch=64\n"))
    assert read_darknet(tiny, CompanionFiles()).file_remarks == (
        f"{cfg}, [net]: of settings that are there more than once, darknet takes the first: batch=1 "
        "(line 2).",
    )
    cfg.write_text(cfg.read_text().replace("width=96\n", "width=96\nwidth=128\n"))
    assert "width=128, but line 5 says width=96" in refusal(tiny).message


def test_removing_a_class_changes_every_repetition(tiny: Path) -> None:
    cfg = tiny.with_suffix(".cfg")
    cfg.write_text(cfg.read_text().replace("classes=3\n", "classes=3\nclasses = 3\n"))
    found = read_darknet(tiny, CompanionFiles())
    rows = [row for row in range(24) if row % 8 != 5]
    arrays = {
        name: found.stored(name)[rows]
        for level in ("P5", "P4")
        for name in (f"{level}.output.weight", f"{level}.output.bias")
    }
    text = found.edited(arrays, ("bee", "cat")).companions()[".cfg"].decode()
    assert text.count("classes=2\nclasses = 2\n") == 2
    assert "classes=3" not in text


def test_masks_of_other_sizes_than_the_weights(tiny: Path) -> None:
    cfg = tiny.with_suffix(".cfg")
    text = cfg.read_text().replace("mask=3,4,5", "mask=4,5").replace("filters=24", "filters=16", 1)
    cfg.write_text(text.replace("mask=1,2,3", "mask=0,1,2,3").replace("filters=24", "filters=32"))
    error = refusal(tiny)
    # 8 x (1 x 513 + 1 x 257): 8 x 513 numbers less at P5, 8 x 257 more at P4
    assert error.message == (
        f"{tiny}: it holds 8,680,864 numbers, as many as YOLOv3-tiny with 3 classes and 3 anchors at each "
        "level; YOLOv3-tiny with 3 classes and 2 and 4 anchors at its levels has 8,678,816."
    )
    assert error.hint.startswith("Give each [yolo] the mask that the weights were trained with.")


def test_a_mask_that_is_missing(tiny: Path) -> None:
    cfg = tiny.with_suffix(".cfg")
    cfg.write_text(cfg.read_text().replace("mask=3,4,5\n", ""))
    error = refusal(tiny)
    assert "all 6 anchors, as it has no mask=, and classes=3: 6 x (5 + 3) = 48." in error.message
    assert (
        error.hint == "filters=24 fits 3 anchors: give the [yolo] mask= with the numbers of them."
    )


@pytest.mark.parametrize(
    ("floats", "said"),
    [
        (64_429_405, "as many as YOLOv4 with 80 classes; "),  # yolov4.weights: 257,717,640 bytes
        (6_062_814, "as many as YOLOv4-tiny with 80 classes; "),  # 24,251,276 bytes
        (50_983_560, "as many as YOLOv2 with 80 classes; "),  # 203,934,260 bytes
        (11_237_145, "as many as YOLOv2-tiny with 80 classes; "),  # 44,948,600 bytes
        (
            15_867_885,
            "as many as YOLOv2-tiny of VOC with 20 classes; ",
        ),  # 63,471,556 bytes, header of 16
        (62_001_757, "as many as YOLOv3 with 80 classes; "),  # yolov3.weights: 248,007,048 bytes
        (41_645_640, "as many as the classifier Darknet-53 for ImageNet; "),
    ],
)
def test_weights_of_a_network_that_is_well_known(tiny: Path, floats: int, said: str) -> None:
    with tiny.open("r+b") as file:
        file.truncate(HEADER_BYTES + 4 * floats)
    assert f"it holds {floats:,} numbers, {said}" in refusal(tiny).message


def test_coco_weights_next_to_a_cfg_of_one_class(tmp_path: Path) -> None:
    path = placed(random_model(), tmp_path / "start.weights", cfg=False, names=False)
    one = description(class_names=("ant",))
    path.with_suffix(".cfg").write_text(cfg_text(one))
    path.with_suffix(".names").write_text("ant\n")
    assert "as many as YOLOv3-tiny with 3 classes" in refusal(path).message
    assert "classes=3 in each [yolo], and filters=24 before it" in refusal(path).hint
    found = read_darknet(path, CompanionFiles(), as_start=True)
    assert found.description == replace(one, class_names=("0", "1", "2"))
    assert found.file_remarks == (
        f"{path.with_suffix('.cfg')} says classes=1, but {path} has as many numbers as YOLOv3-tiny with 3 "
        "classes: it was read as such.",
    )
    np.testing.assert_array_equal(
        found.stored("P4.output.bias"), random_model().array("P4.output.bias")
    )


def test_names_that_were_found_and_not_taken(tiny: Path) -> None:
    tiny.with_suffix(".names").rename(tiny.with_name("obj.names"))
    tiny.with_name("obj.names").write_text("ant\nbee\n")
    tiny.with_name("classes.txt").write_text("ant\nant\ncat\n")
    found = read_darknet(tiny, CompanionFiles())
    assert found.class_names == ("0", "1", "2")
    assert found.names_remarks == (
        f"{tiny.with_name('classes.txt')}, line 2: duplicate name 'ant', first in line 1. Its names were not "
        "taken.",
        f"{tiny.with_name('obj.names')}: 2 class names for 3 classes; not taken.",
    )


def test_anchors_that_are_shares(tiny: Path) -> None:
    cfg = tiny.with_suffix(".cfg")
    shares = ", ".join(f"{side / 416:.4f}" for pair in description().anchors_wh_px for side in pair)
    cfg.write_text(re.sub("anchors=.*", f"anchors={shares}", cfg.read_text()))
    error = refusal(tiny)
    assert (
        "the largest side of the anchors is 0.8269: they are shares of the input" in error.message
    )
    assert error.message.startswith(f"{cfg}, line ")


def test_names_by_a_data_file(tiny: Path) -> None:
    tiny.with_suffix(".names").rename(tiny.with_name("list.txt"))
    data = tiny.with_name("obj.data")
    data.write_text("classes=3\r\nnames = list.txt\r\n")
    assert read_darknet(tiny, CompanionFiles()).class_names == ("ant", "bee", "cat")
    assert read_darknet(tiny, CompanionFiles(names=data)).class_names == ("ant", "bee", "cat")
    data.write_text("classes=3\nnames = lost.txt\n")
    found = read_darknet(tiny, CompanionFiles())
    assert found.class_names == ("0", "1", "2")
    assert "names=lost.txt, and there is no such file" in found.names_remarks[0]


def test_classes_that_darknet_does_not_draw(tiny: Path) -> None:
    names = tiny.with_suffix(".names")
    names.write_text("ant\ndont_show\ndont_show\n")
    found = read_darknet(tiny, CompanionFiles())
    assert found.class_names == ("ant", "1", "2")
    assert found.names_remarks[0].startswith(f"{names}, line 2: 2 classes called dont_show")
    assert found.companions()[".names"] == names.read_bytes()
