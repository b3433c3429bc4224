"""The table of families: every row is complete, and each file and checkpoint finds its family."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import headlab.families
import yolov3_models
from headlab.checkpoint.checkpoint import Checkpoint
from headlab.checkpoint.pt.checkpoint import PtCheckpoint
from headlab.checkpoint.yolov3.in_memory import InMemoryCheckpoint
from headlab.errors import CheckpointError, InputError, UnsupportedHead
from headlab.families import table
from headlab.families.family import Family
from headlab.families.read import read
from headlab.families.table import (
    FAMILIES,
    convertible,
    family_of,
    family_of_file,
    file_formats,
)
from headlab.families.ultralytics.family import Ultralytics
from headlab.heads.layout import Layout

Small = Callable[..., Path]
FOLDER = Path(headlab.families.__file__).parent


def by_name(name: str) -> Family[Checkpoint]:
    return next(family for family in FAMILIES if family.name == name)


def test_every_folder_is_a_row() -> None:
    folders = {path.parent.name for path in FOLDER.glob("*/family.py")}
    assert {family.name for family in FAMILIES} == folders
    assert len(FAMILIES) == len(folders)


def test_no_two_formats_have_one_suffix_and_the_longest_comes_first() -> None:
    suffixes = [each.suffix for each in file_formats()]
    assert len(set(suffixes)) == len(suffixes)
    assert suffixes.index(".weights.h5") < suffixes.index(".h5")
    assert {".pt", ".weights", ".safetensors"} < set(suffixes)


@pytest.mark.parametrize("suffix", [".weights", ".h5", ".weights.h5", ".safetensors"])
def test_a_yolov3_file_of_every_format(suffix: str, tmp_path: Path) -> None:
    path = yolov3_models.saved(yolov3_models.random_model(), tmp_path / f"m{suffix}")
    assert family_of_file(path).name == "yolov3"
    checkpoint = read(path)
    assert family_of(checkpoint).name == "yolov3"
    format_ = next(each for each in by_name("yolov3").formats if each.suffix == suffix)
    assert checkpoint.format == format_.name


def test_a_file_is_known_by_its_contents_where_they_tell(tmp_path: Path, small: Small) -> None:
    model = yolov3_models.random_model()
    for suffix in (".h5", ".safetensors"):
        path = yolov3_models.saved(model, tmp_path / f"m{suffix}")
        renamed = path.rename(tmp_path / f"{suffix[1:]}.bin")
        assert family_of_file(renamed).name == "yolov3"
    pt = tmp_path / "m.bin"
    pt.write_bytes(small("yolov8").read_bytes())
    assert family_of(read(pt)).name == "ultralytics"


def test_what_no_family_takes_goes_to_the_last_which_says_why(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"\x08\x07\x12\x07pytorch")
    assert family_of_file(path) is FAMILIES[-1]
    with pytest.raises(CheckpointError, match="not a zip archive"):
        read(path)
    with pytest.raises(CheckpointError, match="no such file"):
        read(tmp_path / "missing.pt")


def test_a_format_of_no_family_is_refused() -> None:
    class Unknown(InMemoryCheckpoint):
        format = "unheard of"

    model = yolov3_models.random_model()
    unknown = Unknown(file=Path("m.x"), described=model.described, arrays={})
    with pytest.raises(UnsupportedHead, match=r"m\.x: .* in the format 'unheard of'"):
        family_of(unknown)


def test_a_head_of_its_own_in_files_that_another_family_reads(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an original YOLOv5 `.pt` will be: read by ultralytics' row, described by its own."""

    @dataclass(frozen=True)
    class Own(Ultralytics):
        name = "own"
        path: Path

        def recognises(self, path: Path, first_bytes: bytes) -> bool:
            return False

        def owns(self, checkpoint: Checkpoint) -> bool:
            return super().owns(checkpoint) and checkpoint.path == self.path

        def describe(self, checkpoint: PtCheckpoint) -> Layout:
            raise UnsupportedHead("described by the other family")

    mine, other = small("yolov8"), small("yolov8", nc=5)
    monkeypatch.setattr(table, "FAMILIES", (Own(mine), *FAMILIES))
    assert family_of(read(mine)).name == "own"
    assert family_of(read(other)).name == "ultralytics"


def test_convert_goes_between_the_formats_of_yolov3() -> None:
    assert convertible(".weights", ".h5")
    assert convertible(".h5", ".weights.h5")
    assert not convertible(".pt", ".weights")
    assert not convertible(".weights", ".pt")
    assert not convertible(".weights", "")


def test_files_that_a_format_has_no_use_for_are_refused(small: Small, tmp_path: Path) -> None:
    from headlab.checkpoint.yolov3.companion_files import CompanionFiles

    assert read(small("yolov8"), CompanionFiles()).format == "pt"
    with pytest.raises(InputError, match="holds its classes and strides itself"):
        read(small("yolov8"), CompanionFiles(names=tmp_path / "x.names"))


def test_the_table_is_light() -> None:
    """It is imported whenever a model is read, so it loads no reader and nothing of a family's folder."""
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import headlab.families.read, sys; print('\\n'.join(sorted(sys.modules)))",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    own = {name for name in loaded if name.startswith("headlab.families.")}
    assert own == {
        "headlab.families.family",
        "headlab.families.read",
        "headlab.families.table",
        *(f"headlab.families.{family.name}{end}" for family in FAMILIES for end in ("", ".family")),
    }
    assert not {"numpy", "headlab.checkpoint.checkpoint", "headlab.heads.layout"} & set(loaded)
