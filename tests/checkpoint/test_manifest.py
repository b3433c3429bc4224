"""The manifest as a file: what it holds, where it is, and what damaged ones say."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from headlab._version import __version__
from headlab.checkpoint.delta import Delta
from headlab.checkpoint.manifest import (
    FileFacts,
    Manifest,
    earlier_manifest,
    facts,
    path_for,
    read_manifest,
    same_bytes,
)
from headlab.errors import CheckpointError, OutputError

BEFORE, AFTER = FileFacts("in.pt", "aa", 10), FileFacts("out.pt", "bb", 10)
RECIPE = {"version": 1, "operations": [{"op": "rename", "names": {"bird": "鳥"}}]}
MANIFEST = Manifest(BEFORE, AFTER, (RECIPE,), Delta(((0, 4), (-1, 6)), b"abcdef"))


def put(folder: Path, data: Any) -> Path:
    model = folder / "out.pt"
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    path_for(model).write_bytes(text)
    return model


def test_a_manifest_reads_back_as_it_was(tmp_path: Path) -> None:
    model = put(tmp_path, MANIFEST.to_json())
    assert path_for(model) == tmp_path / "out.pt.headlab.json"
    assert read_manifest(model, AFTER) == MANIFEST


def test_the_file_is_readable_json_with_version_and_names() -> None:
    data = json.loads(MANIFEST.to_json())
    assert data["headlab"] == __version__
    assert data["input"] == {"name": "in.pt", "sha256": "aa", "bytes": 10}
    assert data["output"] == {"name": "out.pt", "sha256": "bb", "bytes": 10}
    assert data["recipes"] == [RECIPE]
    assert "鳥" in MANIFEST.to_json().decode("utf-8")


def test_why_there_is_no_undo_is_kept(tmp_path: Path) -> None:
    final = Manifest(BEFORE, AFTER, (), None, "rows were removed")
    model = put(tmp_path, final.to_json())
    assert read_manifest(model, AFTER).no_undo == "rows were removed"
    assert json.loads(final.to_json())["undo"] is None


def test_the_inputs_companions_are_kept_as_text_or_in_base64(tmp_path: Path) -> None:
    companions = {".cfg": b"[net]\r\nwidth=416\n", ".names": "猫\n".encode("cp932"), "_x.txt": b""}
    made = Manifest(BEFORE, AFTER, (), None, "no", companions=companions)
    assert read_manifest(put(tmp_path, made.to_json()), AFTER).companions == companions
    data = json.loads(made.to_json())["companions"]
    assert data[".cfg"] == {"text": "[net]\r\nwidth=416\n"}
    assert data[".names"] == {"base64": "lEwK"}
    assert "companions" not in json.loads(MANIFEST.to_json())


def test_of_nested_manifests_the_one_that_describes_the_file_is_read(tmp_path: Path) -> None:
    later = FileFacts("out.pt", "cc", 10)
    inner = json.loads(MANIFEST.to_json())
    outer = Manifest(AFTER, later, (), Delta(((0, 10),), b""), previous=inner)
    model = put(tmp_path, outer.to_json())
    assert read_manifest(model, later) == outer
    assert read_manifest(model, AFTER) == MANIFEST
    assert read_manifest(model, FileFacts("out.pt", "dd", 10)) == outer
    assert earlier_manifest(model, AFTER) == inner
    assert earlier_manifest(model) == json.loads(outer.to_json())


def test_a_link_shares_the_manifest_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "real.pt").write_bytes(b"")
    (tmp_path / "link.pt").symlink_to("real.pt")
    assert path_for(tmp_path / "link.pt") == path_for((tmp_path / "real.pt").resolve())


def test_facts_are_size_and_sha256_from_the_start() -> None:
    file = io.BytesIO(b"abc")
    file.seek(2)
    found = facts("a.pt", file)
    assert found == FileFacts("a.pt", hashlib.sha256(b"abc").hexdigest(), 3)
    assert same_bytes(found, FileFacts("b.pt", found.sha256, 3))
    assert not same_bytes(found, FileFacts("a.pt", found.sha256, 4))


def test_a_missing_manifest_says_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no manifest out\.pt\.headlab\.json next to it"):
        read_manifest(tmp_path / "out.pt", AFTER)
    assert earlier_manifest(tmp_path / "out.pt") is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[]",
        b"{}",
        b'{"headlab": "1", "input": 7, "output": {}, "recipes": [], "undo": null}',
        MANIFEST.to_json().replace(b'"bytes": 10', b'"bytes": "ten"'),
        MANIFEST.to_json().replace(b'"undo"', b'"redo"'),
        MANIFEST.to_json().replace(b'"pieces"', b'"places"'),
        *(
            MANIFEST.to_json().replace(b'"undo"', b'"companions": %b, "undo"' % wrong)
            for wrong in (b"7", b"[1]", b'{".cfg": 7}', b'{".cfg": {}}', b'{".cfg": {"text": 7}}')
        ),
        *(
            MANIFEST.to_json().replace(
                b'"undo"', b'"companions": {"%b": {"text": ""}}, "undo"' % name
            )
            for name in (
                *(b"", b"/x", b"/../../../P", b".cfg\\u0000", b"\\\\x", b".cfg/..", b"..", b".pt"),
                *(b".headlab.json", b".weights", b"\\ud800"),
            )
        ),
        MANIFEST.to_json().replace(b'"bytes": 10', b'"bytes": 1e400'),
        MANIFEST.to_json().replace(b'"bytes": 10', b'"bytes": -1'),
        MANIFEST.to_json().replace(b'"bytes": 10', b'"bytes": 9' + b"0" * 400),
        MANIFEST.to_json().replace(b'"bytes": 10', b'"bytes": 11', 1),
        MANIFEST.to_json().replace(b'"in.pt"', b"7"),
    ],
)
def test_a_damaged_manifest_says_so(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(CheckpointError, match=r"out\.pt\.headlab\.json: .*damaged"):
        read_manifest(put(tmp_path, content), AFTER)


def test_half_a_surrogate_pair_can_be_shown_and_written_again(tmp_path: Path) -> None:
    content = MANIFEST.to_json().replace(b'"in.pt"', b'"in\\ud800.pt"')
    model = put(tmp_path, content)
    assert read_manifest(model, AFTER).input.name == "in\\ud800.pt"
    nested = Manifest(AFTER, AFTER, (), None, "no", previous=json.loads(content)).to_json()
    assert json.loads(nested)["previous"]["input"]["name"] == "in\ud800.pt"


@pytest.mark.parametrize("content", [b"notes", b"[]", b'{"mine": 1}'])
def test_somebody_elses_file_is_not_overwritten(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(OutputError, match="is in the place of the manifest"):
        earlier_manifest(put(tmp_path, content))


def test_a_folder_of_the_manifests_name_is_in_the_way(tmp_path: Path) -> None:
    path_for(tmp_path / "out.pt").mkdir()
    with pytest.raises(OutputError, match="is in the place of the manifest"):
        earlier_manifest(tmp_path / "out.pt")
