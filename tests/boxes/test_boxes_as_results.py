"""Box tables, findings, sizes and conversions have the manners of all results."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from PIL import Image
from small_photos import MakePhoto

from headlab import boxes
from headlab.boxes.formats.format import FormatName
from headlab.boxes.input_size import InputSize
from headlab.errors import InputError

BOXES = "boxes x1,y1,x2,y2,class"


@pytest.fixture
def train(tmp_path: Path, photo: MakePhoto) -> Path:
    """Two photos of 40 x 50 px (height x width) with three boxes; a word that is not a box."""
    photo("a.png", 50, 40)
    photo("b.png", 50, 40, shade=1)
    (tmp_path / "classes.txt").write_text("cat\nbird\n")
    path = tmp_path / "train.txt"
    path.write_text("a.png 0,0,50,40,0 1,2,3,4,1\nb.png 5,6,7,8,0 1,2,3\n")
    return path


def test_a_box_table(train: Path, tmp_path: Path) -> None:
    table = boxes.read(train)
    assert len(table) == table.table.height == 3
    assert table.sources == (str(train),)
    assert repr(table) == "<BoxTable: 2 images, 3 boxes of 2 classes>"
    assert [words for line in str(table).splitlines() if (words := line.split())] == [
        [str(train)],
        f"format keras-yolo3: {BOXES} in 2 of the first 2 lines".split(),
        ["images", "2"],
        ["boxes", "3", "of", "2", "classes:", "cat", "(2),", "bird", "(1)"],
        ["names", "from", "classes.txt"],
        ["kind", "count"],
        ["error", "bad-box", "1"],
    ]
    assert table.to_pandas()["class_id"].tolist() == [0, 1, 0]
    assert "<td>b.png</td>" in table._repr_html_()
    document = json.loads(table.save(tmp_path / "table.json").read_text("utf-8"))
    assert [image["height_px"] for image in document["images"]] == [40, 40]
    assert (document["class_names"], len(document["boxes"])) == (["cat", "bird"], 3)
    assert pl.read_parquet(table.save(tmp_path / "table.parquet")).equals(table.boxes)
    (unread,) = table.unread
    assert (unread.kind, unread.line) == ("bad-box", 2)
    assert boxes.BoxTable(table.boxes.clear(), table.images, (), (), "keras"), "never false"


def test_findings(train: Path, tmp_path: Path) -> None:
    findings = boxes.check(train)
    assert [finding.kind for finding in findings] == ["bad-box"]
    assert (len(findings), findings[0].line, findings.ok) == (1, 2, False)
    assert repr(findings) == "<Findings: 1 error, 0 warnings>"
    assert findings.table.rows(named=True) == [
        {
            "severity": "error",
            "kind": "bad-box",
            "file": str(train),
            "line": 2,
            "image": "b.png",
            "message": findings[0].message,
        }
    ]
    assert pl.read_csv(findings.save(tmp_path / "findings.csv")).equals(findings.table)
    assert boxes.check(boxes.read(train)).problems == findings.problems
    assert boxes.check([train], photos=False).problems == findings.problems


def test_nothing_wrong_is_an_empty_list(train: Path) -> None:
    train.write_text("a.png 0,0,50,40,0 1,2,3,4,1\nb.png 5,6,7,8,0\n")
    findings = boxes.check(train)
    assert (list(findings), findings.ok, findings.table.height) == ([], True, 0)
    assert str(findings).endswith("Nothing is wrong.")


def test_a_deep_check_needs_the_photos(train: Path) -> None:
    with pytest.raises(InputError, match="looks into the photos"):
        boxes.check(train, photos=False, deep=True)


def test_sizes(train: Path, tmp_path: Path) -> None:
    sizes = boxes.stats(train, imgsz=InputSize(400, "stretch"), levels=2)
    # 50 x 40 px stretched to 400 x 400 px: widths times 8, heights times 10
    assert sizes.all.width.high == pytest.approx(0.1 * 16 + 0.9 * 400)
    assert (sizes.levels.names, sizes.resize) == (("P4", "P5"), "stretch")
    assert [problem.kind for problem in sizes.unread] == ["bad-box"]
    assert repr(sizes) == "<SizeStats: 3 boxes of 2 classes>"
    assert len(sizes) == sizes.table.height == 2
    assert f"{train}:2: '1,2,3' is not a box" in str(sizes)
    document = json.loads(sizes.save(tmp_path / "sizes.json").read_text("utf-8"))
    assert document["data"] == [str(train)]
    assert document["unread"][0]["count"] == 1
    with Image.open(sizes.save(tmp_path / "sizes.png")) as picture:
        assert picture.width > 1000


def test_sizes_take_the_input_of_the_anchors_unless_one_is_chosen(
    train: Path, tmp_path: Path
) -> None:
    cfg = tmp_path / "a.cfg"
    cfg.write_text("[net]\nwidth=608\nheight=320\n[yolo]\nmask=0,1\nanchors=40,40, 300,120\n")
    assert boxes.stats(train, anchors=cfg).input_hw == (320, 608)
    stretched = boxes.stats(train, anchors=cfg, imgsz=InputSize(resize="stretch"))
    assert (stretched.input_hw, stretched.resize) == ((320, 608), "stretch")
    assert boxes.stats(train, anchors=cfg, imgsz=416).input_hw == (416, 416)
    with pytest.raises(InputError, match="Anchors say which levels there are"):
        boxes.stats(train, anchors=cfg, levels=2)


def test_a_conversion(train: Path, tmp_path: Path) -> None:
    converted = boxes.convert(train, tmp_path / "out", to="yolo", names=["cat", "dog"])
    assert repr(converted) == (
        f"<ConvertedBoxes: {tmp_path / 'out'}: 2 images, 3 boxes read from {train}>"
    )
    assert [path.name for path in converted.files] == ["data.yaml", "images", "labels"]
    assert all(path.exists() for path in converted.files)
    assert (converted.ok, [problem.kind for problem in converted.skipped]) == (False, ["bad-box"])
    assert converted.table["kind"].to_list() == ["bad-box"]
    again = boxes.read(tmp_path / "out")
    assert (again.format, len(again), again.class_names) == ("yolo", 3, ("cat", "dog"))
    (first,) = converted.remarks()
    assert first.startswith(f"{train}:2: '1,2,3' is not a box")


@pytest.mark.parametrize(
    ("to", "name"), [("yolo", "o"), ("voc", "o"), ("coco", "o.json"), ("keras", "o.txt")]
)
def test_errors_do_not_become_annotations(
    to: FormatName, name: str, tmp_path: Path, photo: MakePhoto
) -> None:
    photo("a.png", 100, 80)
    path = tmp_path / "t.txt"
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    # sound; swapped; class 7; the centre is right of x = 100; above y = 0; no area
    path.write_text(
        "a.png 10,10,50,40,1 60,10,20,40,0\na.png 10,10,50,40,7 90,10,150,40,0 10,-50,40,20,1 5,5,5,9,0\n"
    )
    converted = boxes.convert(path, tmp_path / name, to=to)
    assert not converted.ok
    kinds = ["swapped-corners", "box-outside", "box-outside", "unknown-class"]
    assert [each.kind for each in converted.skipped] == kinds
    assert [each.line for each in converted.skipped] == [1, 2, 2, 2]
    assert (converted.boxes, converted.left_out) == (6, 4)
    assert "4 boxes with errors left out" in list(converted.remarks())
    again = boxes.read(tmp_path / name)
    assert (again.class_names, again.boxes["class_id"][0]) == (("cat", "dog"), 1)
    # A box without area is still one, or YOLO says that it has no place for it.
    assert len(again) == (1 if to == "yolo" else 2)
    assert [each.kind for each in converted.lost if each.kind == "empty-box"] == (
        ["empty-box"] if to == "yolo" else []
    )
    known = {each.kind for each in boxes.check(again) if each.severity == "error"}
    assert known <= {"zero-size"}


def test_what_is_read_already_takes_no_settings_for_reading(train: Path) -> None:
    table = boxes.read(train)
    with pytest.raises(InputError, match="names, split would have no effect"):
        boxes.check(table, names=["a"], split="train")
    assert len(boxes.check(table, names=None)) == 1


@pytest.mark.parametrize("to", ["coco", "yolo"])
def test_a_finding_names_the_photo(to: FormatName, tmp_path: Path, photo: MakePhoto) -> None:
    photo("a.png", 100, 80)
    (tmp_path / "t.txt").write_text("a.png 10,10,50,40,0\n")
    (tmp_path / "classes.txt").write_text("cat\n")
    target = tmp_path / ("o.json" if to == "coco" else "o")
    boxes.convert(tmp_path / "t.txt", target, to=to)
    if to == "coco":
        content = json.loads(target.read_text())
        content["annotations"].append(content["annotations"][0] | {"id": 2})
        target.write_text(json.dumps(content))
    else:
        (label,) = target.rglob("a.txt")
        label.write_text(label.read_text() * 2)
    (line,) = [
        line for line in str(boxes.check(target)).splitlines() if "it is a duplicate" in line
    ]
    assert "a.png: Box 10,10,50,40: it is a duplicate" in line.replace("/images/train/", "")
