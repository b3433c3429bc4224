"""Fits as files: for programs, as a document that reads back, as rows and as a plot."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from PIL import Image

from anchor_boxes import random_shapes
from headlab.anchors import AnchorFit
from headlab.anchors.fitting.files import darknet_text, keras_text
from headlab.anchors.fitting.fit import fit_shapes
from headlab.boxes.shapes import shapes_of
from headlab.errors import OutputError
from headlab.heads.anchor_files import as_anchor_set, read_anchor_set


@pytest.fixture(scope="module")
def fit() -> AnchorFit:
    shapes = shapes_of(random_shapes(400), np.arange(400) % 7, input_hw=(416, 416))
    return fit_shapes(shapes, 9, assign="range")


@pytest.mark.parametrize("name", ["a.yaml", "a.yml", "a.json", "a.cfg"])
def test_what_fit_writes_reads_back(fit: AnchorFit, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    fit.save(path)
    found = read_anchor_set(path)
    np.testing.assert_array_equal(found.wh, fit.anchors_wh)
    assert found.masks == fit.masks
    assert found.levels == fit.assignment.levels
    assert found.input_hw in ((416, 416), None)


def test_anchors_txt_reads_back(fit: AnchorFit, tmp_path: Path) -> None:
    path = tmp_path / "anchors.txt"
    fit.save(path)
    np.testing.assert_array_equal(read_anchor_set(path).wh, fit.anchors_wh)
    assert keras_text(fit).count("\n") == 1


def test_lines_for_darknet(fit: AnchorFit) -> None:
    text = darknet_text(fit)
    assert text.count("\n[yolo]\n") == 3
    assert text.count("num=9") == 3
    # Seven classes: so many slots times 5 + 7 filters.
    for mask in fit.masks:
        assert f"mask={','.join(map(str, mask))}\n" in text
        assert f"= {len(mask) * 12} for 7 classes" in text


def test_what_an_anchors_txt_cannot_say_is_said(fit: AnchorFit) -> None:
    path = Path("anchors.txt")
    assert fit.masks != ((6, 7, 8), (3, 4, 5), (0, 1, 2))
    assert "does not say which anchor serves which level" in fit.caveats(path)[0]
    tiny = fit_shapes(shapes_of(random_shapes(99)), 6, levels=2)
    assert "anchor 0 is unused" in tiny.caveats(path)[0]
    assert fit_shapes(shapes_of(random_shapes(99)), 9).caveats(path) == ()
    assert fit.caveats("anchors.yaml") == ()


def test_another_ending(fit: AnchorFit) -> None:
    with pytest.raises(OutputError, match="fitted anchors cannot be written in this format"):
        fit.save("anchors.docx")


def test_a_fit_is_an_anchor_set(fit: AnchorFit) -> None:
    found = as_anchor_set(fit)
    assert found.masks == fit.masks
    assert found.levels == fit.assignment.levels


def test_there_is_one_json_document(fit: AnchorFit, tmp_path: Path) -> None:
    document = json.loads(fit.save(tmp_path / "fit.json").read_text("utf-8"))
    assert document == json.loads(json.dumps(fit.to_dict()))
    assert document["coverage"]["boxes"] == document["boxes"] == 400
    short = yaml.safe_load(fit.save(tmp_path / "fit.yaml").read_text("utf-8"))
    assert short == {key: document[key] for key in short}
    assert set(document) - set(short) == {
        *("coverage", "history", "curve", "notes", "skipped", "unread")
    }


def test_rows_and_plot(fit: AnchorFit, tmp_path: Path) -> None:
    rows = pl.read_csv(fit.save(tmp_path / "fit.csv"))
    assert rows.columns == ["anchor", "width", "height", "level", "boxes"]
    assert rows.equals(fit.table)
    assert rows["boxes"].sum() == 400
    with Image.open(fit.save(tmp_path / "fit.png")) as picture:
        assert picture.width > 500


def test_it_shows_itself(fit: AnchorFit) -> None:
    assert repr(fit) == f"<AnchorFit: 9 anchors, mean IoU {fit.mean_iou:.4f} over 400 boxes>"
    assert len(fit) == fit.k == 9
    assert "masks, P5 first:" in str(fit)
    assert fit._repr_html_().count("<tr>") == 10  # the headings, and a row per anchor
