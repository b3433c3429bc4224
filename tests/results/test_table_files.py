"""Files: what is written is what is read again, and a failure leaves nothing behind."""

from __future__ import annotations

import json
import math
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from headlab.errors import OutputError
from headlab.files.json_text import to_json
from headlab.results.table_files import trace_document, write_csv, write_json, write_parquet
from headlab.trace.trace import Skipped
from traced_rows import SCHEMA, detection, rows, trace_of

ROWS = rows(
    detection((0.1, 0.2, 300.30000000000001, 1e-7), "P3", (3, 4), score=1 / 3),
    detection((1, 2, 3, 4), image='a "b", c\nd.jpg', class_name="鳥, oiseau", frame=7),
)
EMPTY = rows()


@pytest.mark.parametrize("table", [ROWS, EMPTY], ids=["rows", "empty"])
def test_csv_reads_back_equal(table: pl.DataFrame, tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv", table)
    assert_frame_equal(
        pl.read_csv(tmp_path / "t.csv", schema_overrides=SCHEMA), table, check_exact=True
    )


@pytest.mark.parametrize("table", [ROWS, EMPTY], ids=["rows", "empty"])
def test_parquet_reads_back_equal(table: pl.DataFrame, tmp_path: Path) -> None:
    write_parquet(tmp_path / "t.parquet", table)
    assert_frame_equal(pl.read_parquet(tmp_path / "t.parquet"), table, check_exact=True)


def test_json_reads_back_equal(tmp_path: Path) -> None:
    trace = trace_of(detection((1, 2, 3, 4)), detection((5, 6, 7, 8), "P5"))
    write_json(tmp_path / "t.json", trace_document(trace, "m.pt"))
    document = json.loads((tmp_path / "t.json").read_text("utf-8"))
    assert_frame_equal(
        pl.DataFrame(document["detections"], schema=SCHEMA), trace.detections, check_exact=True
    )


def test_the_json_document_has_these_keys() -> None:
    skipped = (Skipped("bad.jpg", "not readable as an image"),)
    document = trace_document(trace_of(detection((1, 2, 3, 4)), skipped=skipped), "m.pt")
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
    assert document["levels"][1] == {"name": "P4", "stride_px": 16, "slots": 1}
    assert document["skipped"] == [{"path": "bad.jpg", "reason": "not readable as an image"}]
    assert document["settings"]["conf"] == 0.25


def test_json_has_no_nan_and_keeps_scripts() -> None:
    text = to_json({"a": math.nan, "b": [math.inf, (1.5,)], "c": "鳥"})
    assert json.loads(text) == {"a": None, "b": [None, [1.5]], "c": "鳥"}
    assert "鳥" in text


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_a_missing_folder_is_an_error(write: object, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="there is no such folder"):
        write(tmp_path / "none" / "t", ROWS)  # type: ignore[operator]
    assert list(tmp_path.iterdir()) == []


def test_a_failing_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("old")
    nested = pl.DataFrame({"a": [[1, 2]]})  # CSV has no lists
    with pytest.raises(pl.exceptions.ComputeError):
        write_csv(path, nested)
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["t.csv"]
