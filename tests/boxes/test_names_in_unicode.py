"""Class names are the same in whatever form of Unicode they are written."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

from headlab.boxes import read

NFC, NFD = (unicodedata.normalize(form, "\u00e9t\u00e9") for form in ("NFC", "NFD"))


def voc(name: str) -> str:
    corners = "<xmin>1</xmin><ymin>2</ymin><xmax>5</xmax><ymax>6</ymax>"
    size = "<size><width>8</width><height>8</height></size>"
    return f"<annotation>{size}<object><name>{name}</name><bndbox>{corners}</bndbox></object></annotation>"


def test_voc(tmp_path: Path) -> None:
    for number, name in enumerate((NFC, NFD)):
        (tmp_path / f"{number}.xml").write_text(voc(name), "utf-8")
    table = read(tmp_path)
    assert (table.class_names, table.boxes["class_id"].to_list()) == ((NFC,), [0, 0])
    table = read(tmp_path, names=["cat", NFD])
    assert table.boxes["class_id"].to_list() == [1, 1]


def test_coco(tmp_path: Path) -> None:
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 9, "height": 9}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4]}],
        "categories": [{"id": 7, "name": NFD}],
    }
    (tmp_path / "x.json").write_text(json.dumps(content), "utf-8")
    assert read(tmp_path / "x.json", names=["cat", NFC]).boxes["class_id"].to_list() == [1]
