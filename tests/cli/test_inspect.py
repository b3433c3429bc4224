"""`headlab inspect`: levels, class rows and parameters, against torch and against numbers known by hand."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from one_command import Done, run

import models
import yolov3_models
from headlab.cli.options import parse_size
from headlab.errors import InputError
from headlab.families.identify import identify
from headlab.families.read import read
from headlab.inspection.collect import inspection

Small = Callable[..., Path]


def inspected(*args: object) -> Done:
    return run("inspect", *args)


def document(*args: object) -> dict[str, Any]:
    done = inspected(*args, "--json")
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def test_yolov8n_at_640(yolov8n: Path) -> None:
    found = document(yolov8n, "--imgsz", 640)
    levels = [(x["name"], x["stride_px"], x["grid_hw"], x["candidates"]) for x in found["levels"]]
    assert levels == [
        ("P3", 8, [80, 80], 6400),  # 640 / 8 = 80; 80 x 80 = 6400
        ("P4", 16, [40, 40], 1600),
        ("P5", 32, [20, 20], 400),
    ]
    assert found["candidates"] == 8400
    assert len(found["class_names"]) == 80
    assert found["imgsz_from"] == "option"


def test_a_size_of_two_sides_is_height_and_width(small: Small) -> None:
    levels = document(small(), "--imgsz", "96,64")["levels"]
    assert [level["grid_hw"] for level in levels] == [[12, 8], [6, 4], [3, 2]]


@pytest.mark.parametrize("kind", ["yolov8", "yolov8-p2", "yolov3-tiny", "yolo26", "yolov8-obb"])
def test_indices_are_those_of_named_parameters(kind: str, small: Small) -> None:
    path = small(kind)
    network = torch.load(path, weights_only=False)["model"]
    expected = [
        (index, name, list(parameter.shape), str(parameter.dtype).removeprefix("torch."))
        for index, (name, parameter) in enumerate(network.named_parameters())
    ]
    found = document(path, "--params")
    shown = [(x["index"], x["name"], x["shape"], x["dtype"]) for x in found["parameters"]]
    assert shown == expected
    by_name = {name: index for index, name, *_ in expected}
    for level in found["levels"]:
        for rows in level["class_rows"]:
            for parameter in (rows["weight"], rows["bias"]):
                assert parameter["index"] == by_name[parameter["name"]]
    assert found["parameter_tensors"] == len(expected)
    assert found["parameter_numbers"] == sum(p.numel() for p in network.parameters())


def test_both_branches_are_shown(small: Small) -> None:
    found = document(small("yolo26"))
    assert found["branches"] == ["one2many", "one2one"]
    names = [rows["weight"]["name"] for rows in found["levels"][0]["class_rows"]]
    assert [".one2one_cv3." in name for name in names] == [False, True]
    printed = inspected(small("yolo26"))
    assert "one2one" in printed.out


def test_the_default_size_is_that_of_the_training(small: Small) -> None:
    found = document(small())
    assert (found["input_hw_px"], found["imgsz_from"]) == ([models.IMGSZ] * 2, "training")
    assert found["metadata"]["train_imgsz"] == [models.IMGSZ] * 2


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (None, ([640, 640], "default")),
        ("640", ([640, 640], "default")),
        (True, ([640, 640], "default")),
        (0, ([640, 640], "default")),
        ([96, 64], ([96, 64], "training")),
        (100, ([128, 128], "training")),  # the next multiple of 32, as ultralytics rounds
    ],
)
def test_what_the_file_says_of_its_training(
    said: object, expected: tuple[list[int], str], tmp_path: Path
) -> None:
    network = models.build(awake=False)
    network.args["imgsz"] = said
    found = document(models.save(network, tmp_path / "m.pt"))
    assert (found["input_hw_px"], found["imgsz_from"]) == expected


def test_class_rows_of_one_class(tmp_path: Path) -> None:
    network = models.build(nc=3)
    for at, convolution in enumerate(models.class_convolutions(network)):
        with torch.no_grad():
            convolution.weight[1] = 0
            convolution.weight[1, :2, 0, 0] = torch.tensor([3.0, 4.0])  # norm 5
            convolution.bias[1] = at - 0.5
    found = document(models.save(network, tmp_path / "m.pt"), "--classes", "bee", "--classes", "1")
    shown = [(x["class_id"], x["level"], x["bias"], x["weight_norm"]) for x in found["classes"]]
    assert shown == [(1, "P3", -0.5, 5.0), (1, "P4", 0.5, 5.0), (1, "P5", 1.5, 5.0)]


def test_several_classes_in_one_option(small: Small) -> None:
    found = document(small(), "--classes", "cat,ant")
    assert [x["class_name"] for x in found["classes"]] == ["cat"] * 3 + ["ant"] * 3


@pytest.mark.parametrize(
    ("args", "pattern"),
    [
        (["MODEL", "--params"], "*"),
        (["--params", "MODEL"], "*"),
        (["MODEL", "--params", "--imgsz", "64"], "*"),
        (["MODEL", "--params", "*.bias"], "*.bias"),
        (["MODEL", "--params=*.bias"], "*.bias"),
        (["--params", "*.bias", "MODEL"], "*.bias"),
    ],
    ids=" ".join,
)
def test_the_pattern_may_be_left_out(args: list[str], pattern: str, small: Small) -> None:
    path = small()
    found = document(*(str(path) if arg == "MODEL" else arg for arg in args))
    checkpoint = read(path)
    expected = inspection(checkpoint, identify(checkpoint), pattern=pattern).parameters
    assert expected
    assert [x["index"] for x in found["parameters"]] == [x.index for x in expected]


@pytest.mark.parametrize("prefix", ["model.", "model.model."])
def test_names_as_the_library_prints_them_match_too(prefix: str, small: Small) -> None:
    found = document(small(), "--params", f"{prefix}22.cv3.*.2.*")
    assert [x["level"] for x in found["parameters"]] == ["P3", "P3", "P4", "P4", "P5", "P5"]


def test_class_rows_stand_out_in_the_list(small: Small) -> None:
    done = inspected(small(), "--params", "*.cv3.0.*")
    marked = [line for line in done.out.splitlines() if line.endswith("P3 class rows")]
    assert len(marked) == 2
    assert max(map(len, done.out.splitlines())) <= 80


def test_weights_that_are_not_finite_are_reported(tmp_path: Path) -> None:
    network = models.build()
    convolution = models.class_convolutions(network)[1]
    with torch.no_grad():
        convolution.weight[2, 0] = float("nan")
        convolution.bias[2] = float("inf")
    path = models.save(network, tmp_path / "m.pt")
    found = document(path, "--classes", "cat")
    assert [level["class_rows"][0]["not_finite"] for level in found["levels"]] == [0, 2, 0]
    assert found["classes"][1]["weight_norm"] is None
    assert "the class rows of P4 (one2many) hold 2 numbers" in inspected(path).out


def test_the_document_has_these_keys(small: Small) -> None:
    found = document(small(), "--classes", "ant", "--params")
    assert list(found) == [
        "file",
        "head",
        "task",
        "branches",
        "rotated",
        "class_names",
        "metadata",
        "input_hw_px",
        "imgsz_from",
        "candidates",
        "levels",
        "parameter_tensors",
        "parameter_numbers",
        "classes",
        "notes",
        "warnings",
        "parameters",
    ]
    assert found["notes"] == []
    assert list(found["levels"][0]) == [
        "name",
        "stride_px",
        "slots",
        "grid_hw",
        "candidates",
        "class_rows",
    ]
    assert list(found["levels"][0]["class_rows"][0]) == ["branch", "weight", "bias", "not_finite"]
    assert list(found["classes"][0]) == [
        "class_id",
        "class_name",
        "level",
        "branch",
        "slot",
        "row",
        "bias",
        "weight_norm",
    ]
    assert list(found["parameters"][0]) == ["index", "name", "shape", "dtype", "level", "branch"]
    assert list(found["metadata"]) == [
        "version",
        "date",
        "weights",
        "train_imgsz",
        "train_data",
        "epoch",
        "yaml_file",
        "scale",
        "license",
    ]
    assert "parameters" not in document(small())


def test_the_ema_weights_of_a_training_are_shown(tmp_path: Path) -> None:
    path = models.training_checkpoint(tmp_path)
    assert document(path)["metadata"]["weights"] == "ema"
    assert "weights of `ema`" in inspected(path).out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--imgsz", "100"), "multiples of 32 px, the stride of P5"),
        (("--imgsz", "0"), "not a size in pixels"),
        (("--imgsz", "a"), "not a size in pixels"),
        (("--imgsz", "64,64,64"), "not a size in pixels"),
        (("--classes", "anr"), "Did you mean 'ant'?"),
        (("--classes", "3"), "The model has classes 0 to 2."),
        (("--params", "cv3"), "use '*cv3*'"),
        (("--params", "model.22.cv3.0.2.wait"), "Did you mean 'model.22.cv3.0.2.weight'"),
    ],
)
def test_wrong_input(args: tuple[str, ...], message: str, small: Small) -> None:
    done = inspected(small(), *args)
    assert done.code == 2
    assert message in done.err
    assert done.out == ""


def test_a_missing_file(tmp_path: Path) -> None:
    done = inspected(tmp_path / "none.pt")
    assert done.code == 2
    assert "no such file" in done.err


@pytest.mark.parametrize(
    ("text", "size"), [("640", (640, 640)), ("480,640", (480, 640)), (" 480 x 640 ", (480, 640))]
)
def test_sizes_are_read(text: str, size: tuple[int, int]) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", ",", "-1", "1.5", "٣,", "640px"])
def test_other_texts_are_no_size(text: str) -> None:
    with pytest.raises(InputError, match="not a size in pixels"):
        parse_size(text)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A YOLOv3-tiny with three classes, with keras-yolo3's masks, in headlab's own format."""
    folder = tmp_path_factory.mktemp("yolov3")
    return yolov3_models.saved(yolov3_models.random_model(), folder / "tiny.safetensors")


def test_a_real_yolov3(shared: Path) -> None:
    found = document(shared / "weights" / "yolov3-tiny.weights", "--classes", "dog")
    levels = [(x["name"], x["grid_hw"], x["candidates"]) for x in found["levels"]]
    assert levels == [("P4", [26, 26], 2028), ("P5", [13, 13], 507)]  # 26*26*3, 13*13*3
    assert found["candidates"] == 2535
    assert (found["input_hw_px"], found["imgsz_from"]) == ([416, 416], "model")
    anchors = {level["name"]: level["anchors_wh_px"] for level in found["levels"]}
    assert anchors["P4"] == [[10, 14], [23, 27], [37, 58]]
    assert anchors["P5"] == [[81, 82], [135, 169], [344, 319]]
    assert [level["mask"] for level in found["levels"]] == [[0, 1, 2], [3, 4, 5]]
    # dog is class 16: row = slot * 85 + 5 + 16
    rows = [(x["level"], x["slot"], x["row"]) for x in found["classes"]]
    assert rows == [
        (level, slot, row) for level in ("P4", "P5") for slot, row in enumerate((21, 106, 191))
    ]
    assert found["metadata"]["format"] == "darknet"
    assert found["metadata"]["darknet_version"] == [0, 2, 0]
    assert found["metadata"]["seen"] == 32_013_312  # 0x01e87c00 in the header
    assert [note.partition(".")[0] for note in found["notes"]] == [
        "These are the official yolov3-tiny weights for COCO"
    ]


def test_a_real_yolov3_in_words(shared: Path) -> None:
    printed = inspected(shared / "weights" / "yolov3-tiny.weights").out.splitlines()
    assert printed[1:8] == [
        "  head        YOLOv3-tiny (detect), 80 classes",
        # 8,858,734 numbers of the file, less mean and variance of 3,184 channels: 16 + 32 + 64 + 128
        # + 256 + 512 + 1024 in the backbone, 256 + 512 in P5, 128 + 256 in P4
        "  network     yolov3-tiny, 37 parameters, 8,852,366 numbers",
        "  format      darknet, version 0.2.0, 32,013,312 images seen in training",
        "  input       416 px",
        "  batch norm  epsilon 1e-06",
        "  anchors     10x14 23x27 37x58 81x82 135x169 344x319",
        "  masks       P5 [3,4,5], P4 [0,1,2]",
    ]
    words = [line.split() for line in printed]
    assert ["P4", "16", "px", "26", "x", "26", "3", "2028", "10x14", "23x27", "37x58"] in words
    assert "Class rows: row a * 85 + 5 + i of each makes the score of class i in slot a" in printed
    assert ["2", "170", "to", "173", "174", "175", "to", "254"] in words
    assert max(map(len, printed[1:])) <= 80


def test_a_model_of_keras_yolo3(shared: Path, tmp_path: Path) -> None:
    weights = tmp_path / "keras.h5"
    with gzip.open(shared / "golden" / "tiny_random_legacy.h5.gz") as packed:
        weights.write_bytes(packed.read())
    anchors = tmp_path / "tiny_anchors.txt"
    anchors.write_text("10,14, 23,27, 37,58, 81,82, 135,169, 344,319", "utf-8")
    found = document(weights, "--anchors", anchors)
    assert found["metadata"]["format"] == "keras"
    assert found["metadata"]["batch_norm_epsilon"] == 1e-3
    assert found["parameter_numbers"] == 8_674_496  # as Keras counts what is trainable
    assert (found["input_hw_px"], found["imgsz_from"]) == ([416, 416], "default")
    assert [level["mask"] for level in found["levels"]] == [[1, 2, 3], [3, 4, 5]]
    printed = inspected(weights, "--anchors", anchors).out.splitlines()
    assert "  format      keras" in printed
    assert "  batch norm  epsilon 0.001" in printed


def test_files_beside_the_weights_can_be_named(shared: Path, tmp_path: Path) -> None:
    weights = shared / "weights"
    cfg = (weights / "yolov3-tiny.cfg").read_text("utf-8").replace("mask = 0,1,2", "mask = 1,2,3")
    (tmp_path / "other.cfg").write_text(cfg, "utf-8")
    (tmp_path / "classes.txt").write_text("".join(f"k{n}\n" for n in range(80)), "utf-8")
    found = document(
        weights / "yolov3-tiny.weights",
        *("--cfg", tmp_path / "other.cfg", "--names", tmp_path / "classes.txt"),
    )
    assert found["levels"][0]["mask"] == [1, 2, 3]
    assert found["class_names"][79] == "k79"
    assert len(found["notes"]) == 2


def test_a_pt_file_needs_no_files_beside_it(small: Small, tmp_path: Path) -> None:
    done = inspected(small(), "--cfg", tmp_path / "a.cfg")
    assert done.code == 2
    assert "Leave --cfg, --names and --anchors out." in done.err


def test_unusual_masks_are_noted(tiny: Path) -> None:
    found = document(tiny)
    assert found["notes"] == [
        "The masks leave anchor 0 (10x14) unused.",
        "The masks use anchor 3 (81x82) twice: P5/0 and P4/2.",
    ]
    assert all(f"note: {note}" in inspected(tiny).out for note in found["notes"])


def test_the_document_of_an_anchor_based_head(tiny: Path) -> None:
    found = document(tiny, "--params", "P?.output.*")
    assert list(found)[-2:] == ["warnings", "parameters"]
    assert list(found["levels"][0])[-3:] == ["class_rows", "anchors_wh_px", "mask"]
    assert (found["input_hw_px"], found["imgsz_from"]) == ([96, 96], "model")
    assert [x["level"] for x in found["parameters"]] == ["P5", "P5", "P4", "P4"]
    assert found["parameters"][0]["shape"] == [24, 512, 1, 1]  # 3 slots * (5 + 3) rows


def test_class_rows_of_each_slot(tmp_path: Path) -> None:
    model = yolov3_models.random_model()
    weight, bias = model.arrays["P5.output.weight"], model.arrays["P5.output.bias"]
    for slot in range(3):
        row = slot * 8 + 5 + 1  # class 1 of three
        weight[row] = 0
        weight[row, :2, 0, 0] = (3 * (slot + 1), 4 * (slot + 1))  # norm 5, 10, 15
        bias[row] = slot - 0.5
    found = document(yolov3_models.saved(model, tmp_path / "m.safetensors"), "--classes", "bee")
    shown = [(x["slot"], x["row"], x["bias"], x["weight_norm"]) for x in found["classes"][3:]]
    assert shown == [(0, 6, -0.5, 5.0), (1, 14, 0.5, 10.0), (2, 22, 1.5, 15.0)]


def test_another_input_size_changes_the_grids(tiny: Path) -> None:
    levels = document(tiny, "--imgsz", "320,608")["levels"]
    assert [level["grid_hw"] for level in levels] == [[20, 38], [10, 19]]


def test_the_explanation_of_a_real_yolov3(shared: Path) -> None:
    path = shared / "weights" / "yolov3-tiny.weights"
    printed = inspected(path, "--explain").out.splitlines()
    assert "Why there are 2,535 candidates" in printed
    assert "What the masks [[3,4,5],[0,1,2]] do" in printed
    assert "freeze_body=2 0 to 41 (all but 2) 196,350" in [" ".join(x.split()) for x in printed]
    assert not any(line.startswith("Levels at") for line in printed)
    assert max(map(len, printed[1:])) <= 80
    sections = document(path, "--explain")["explanation"]
    by_name = {section["name"]: section["numbers"] for section in sections}
    assert by_name["candidates"]["candidates"] == 2535
    # (512 + 1 + 256 + 1) * 255 = 196,350
    assert by_name["freezing"]["trainable_parameters"]["freeze_body=2"] == 196_350


def test_an_explanation_is_for_the_input_size_asked_for(tiny: Path) -> None:
    printed = inspected(tiny, "--explain", "--imgsz", "320,608", "--classes", "ant").out
    assert "320 / 32 = 10" in printed
    assert "608 / 32 = 19" in printed
    # (20*38 + 10*19) * 3 = (760 + 190) * 3
    assert "Why there are 2,850 candidates" in printed
    assert printed.index("What layer 20 is") < printed.index("Classes\n")


def test_the_explanation_of_an_anchor_free_head(small: Small) -> None:
    printed = inspected(small("yolo26"), "--explain").out
    assert "Why the box branch has 4 outputs: 4 x 1" in printed
    assert "`one2many` and `one2one`" in " ".join(printed.split())
    names = [section["name"] for section in document(small(), "--explain")["explanation"]]
    assert names == ["grids", "box", "classes", "candidates", "differences"]
    assert "explanation" not in document(small())
