"""The files of a trace: what is written is what is read again, and a failure leaves nothing behind."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from headlab.errors import OutputError
from headlab.trace.image import Skipped
from headlab.trace.trace import Trace
from traced_rows import SCHEMA, detection, trace_of

TRACE = trace_of(
    detection((0.1, 0.2, 300.30000000000001, 1e-7), "P3", (3, 4), score=1 / 3),
    detection((1, 2, 3, 4), image='a "b", c\nd.jpg', class_name="鳥, oiseau", frame=7),
)
EMPTY = trace_of()


@pytest.mark.parametrize("trace", [TRACE, EMPTY], ids=["rows", "empty"])
def test_csv_reads_back_equal(trace: Trace, tmp_path: Path) -> None:
    read = pl.read_csv(trace.save(tmp_path / "t.csv"), schema_overrides=SCHEMA)
    assert_frame_equal(read, trace.detections, check_exact=True)


@pytest.mark.parametrize("trace", [TRACE, EMPTY], ids=["rows", "empty"])
def test_parquet_reads_back_equal(trace: Trace, tmp_path: Path) -> None:
    read = pl.read_parquet(trace.save(tmp_path / "t.parquet"))
    assert_frame_equal(read, trace.detections, check_exact=True)


def test_json_reads_back_equal(tmp_path: Path) -> None:
    document = json.loads(TRACE.save(tmp_path / "t.json").read_text("utf-8"))
    read = pl.DataFrame(document["detections"], schema=SCHEMA)
    assert_frame_equal(read, TRACE.detections, check_exact=True)


def test_html_is_a_page_with_the_detections(tmp_path: Path) -> None:
    page = TRACE.save(tmp_path / "t.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "鳥, oiseau" in page


def test_the_json_document_has_these_keys() -> None:
    skipped = (Skipped("bad.jpg", "not readable as an image"),)
    trace = replace(trace_of(detection((1, 2, 3, 4)), skipped=skipped), model="m.pt")
    document = trace.to_dict()
    assert list(document) == [
        "model",
        "head",
        "task",
        "levels",
        "settings",
        "images",
        "detections",
        "skipped",
    ]
    assert document["model"] == "m.pt"
    assert document["levels"][1] == {"name": "P4", "stride_px": 16, "slots": 1}
    assert document["skipped"] == [{"path": "bad.jpg", "reason": "not readable as an image"}]
    assert document["settings"]["conf"] == 0.25


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_missing_folder_is_an_error(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="there is no folder"):
        TRACE.save(tmp_path / "none" / f"t.{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_a_failing_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("old")
    nested = replace(TRACE, detections=pl.DataFrame({"a": [[1, 2]]}))  # CSV has no lists
    with pytest.raises(pl.exceptions.ComputeError):
        nested.save(path)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["t.csv"]
