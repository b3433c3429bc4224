"""The real data sets: their known counts, and conversions there and back."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from headlab.boxes import check, convert, read
from headlab.boxes.formats.table import recognised
from headlab.boxes.table import BoxTable

CORNERS = ["x1", "y1", "x2", "y2"]


def kinds(table: BoxTable, **options: bool) -> Counter[str]:
    return Counter(each.kind for each in check(table, **options))


def test_voc2007(shared: Path) -> None:
    table = read(shared / "voc2007" / "2007_train.txt")
    assert (table.images.height, table.boxes.height) == (2501, 6301)
    golden = np.load(shared / "golden" / "kmeans_voc2007_boxes.npz")["wh"]
    corners = table.boxes.select(CORNERS).to_numpy()
    assert np.array_equal(corners[:, 2:] - corners[:, :2], golden)
    assert kinds(table, photos=False) == {"no-class-names": 1, "no-photos": 1}
    assert kinds(table)["missing-image"] == 2501
    sized = read(shared / "voc2007" / "2007_train.txt", assume_size=(375, 500))
    assert sized.images["width_px"].unique().to_list() == [500]
    assert [each.kind for each in sized.problems] == ["no-class-names"]


def test_bccd(shared: Path) -> None:
    table = read(shared / "bccd")
    assert table.class_names == ("Platelets", "RBC", "WBC")
    counts = Counter(table.class_names[number] for number in table.boxes["class_id"])
    assert counts == {"RBC": 4155, "WBC": 372, "Platelets": 361}
    assert Counter(table.images["split"]) == {"train": 205, "val": 87, "test": 72}
    assert not table.problems
    assert read(shared / "bccd", split="val").images.height == 87
    findings = check(table, deep=True)
    assert [each.kind for each in findings] == ["zero-size", "zero-size"]
    file, line = findings[0].file, findings[0].line
    assert line is not None
    assert "<object>" in Path(file).read_text().splitlines()[line - 1]


def test_coco128(shared: Path) -> None:
    names = shared / "weights" / "coco.names"
    table = read(shared / "coco128", names=names)
    assert (table.images.height, table.boxes.height) == (128, 929)
    assert table.class_name(0) == "person"
    assert table.boxes["class_id"].n_unique() == 71
    found = kinds(table)
    # 80 classes, of which 71 have boxes; two photos and two label files without each other
    assert found == {"unused-class": 9, "no-labels": 2, "labels-without-image": 2}


@pytest.mark.parametrize("name", ["bccd", "coco128"])
def test_there_and_back(shared: Path, tmp_path: Path, name: str) -> None:
    classes = shared / "weights" / "coco.names" if name == "coco128" else None
    table = read(shared / name, names=classes)
    for format in ("voc", "coco"):  # noqa: A001
        out = tmp_path / f"{format}.json" if format == "coco" else tmp_path / format
        converted = convert(table, out, format)  # type: ignore[arg-type]
        assert converted.ok
        assert not converted.lost
        assert recognised(out).format.name == format
        again = read(out)
        assert again.class_names == table.class_names
        assert again.boxes["class_id"].to_list() == table.boxes["class_id"].to_list()
        same = again.boxes.select(CORNERS).to_numpy() - table.boxes.select(CORNERS).to_numpy()
        assert np.abs(same).max() < 2e-6


def test_bccd_as_yolo(shared: Path, tmp_path: Path) -> None:
    converted = convert(shared / "bccd", tmp_path / "yolo", "yolo")
    assert [each.kind for each in converted.lost] == ["empty-box"]
    assert [path.name for path in converted.files] == ["data.yaml", "images", "labels"]
    again = read(tmp_path / "yolo")
    assert again.boxes.height == 4888 - 2
    assert Counter(again.images["split"]) == {"train": 205, "val": 87, "test": 72}
    assert not again.problems
