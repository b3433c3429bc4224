"""The table of annotation formats: complete, and consistent with the names that users write."""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from typing import get_type_hints

import pytest

from headlab.boxes import read
from headlab.boxes.formats.format import FORMAT_NAMES, FORMAT_TITLES
from headlab.boxes.formats.table import FORMATS, format_named, recognised
from headlab.boxes.reading import ReadSettings
from headlab.errors import InputError, UnknownName


def test_every_name_has_a_row() -> None:
    assert sorted(known.name for known in FORMATS) == sorted(FORMAT_NAMES) == sorted(FORMAT_TITLES)
    assert all(format_named(name).name == name for name in FORMAT_NAMES)
    with pytest.raises(UnknownName, match="annotation format 'createml'"):
        format_named("createml")


def test_a_format_that_writes_one_file_says_how_that_ends() -> None:
    assert {known.name: known.file_suffix for known in FORMATS if known.write_file} == {
        "keras": ".txt",
        "coco": ".json",
        "csv": ".csv",
    }
    assert all(bool(known.file_suffix) == (known.write_file is not None) for known in FORMATS)


def test_the_settings_of_other_calls_are_those_of_read() -> None:
    arguments = dict.fromkeys(signature(read).parameters)
    del arguments["path"], arguments["assume_size"]
    assert list(ReadSettings.__annotations__) == list(arguments)
    hints = get_type_hints(read)
    assert get_type_hints(ReadSettings) == {name: hints[name] for name in arguments}
    assert ReadSettings.__total__ is False, "each one may be left out"


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a.jpg\n" if name.endswith("list.txt") else "")


@pytest.mark.parametrize(
    ("files", "looked_at", "name"),
    [
        (("Annotations/a.xml", "images/a.jpg"), ".", "voc"),
        (("a.xml",), ".", "voc"),
        (("annotations/a.xml", "images/a.jpg"), ".", "voc"),
        (("a.xml", "images/a.jpg"), ".", "voc"),
        (("images/a.jpg", "labels/a.txt"), ".", "yolo"),
        (("a.jpg", "a.txt", "classes.txt"), ".", "yolo"),
        (("train/a.jpg", "train/a.txt"), ".", "yolo"),
        (("labels/a.txt",), ".", "yolo"),
        (("data.yaml",), ".", "yolo"),
        (("valid/images/a.jpg", "valid/labels/a.txt"), ".", "yolo"),
        (("a.yaml",), "a.yaml", "yolo"),
        (("a.json",), "a.json", "coco"),
        (("list.txt", "a.jpg"), "list.txt", "keras"),
        (("list.txt", "a.jpg", "a.txt"), "list.txt", "yolo"),
    ],
)
def test_formats_are_recognised(
    tmp_path: Path, files: tuple[str, ...], looked_at: str, name: str
) -> None:
    make(tmp_path, *files)
    assert recognised(tmp_path / looked_at).format.name == name


@pytest.mark.parametrize(
    ("files", "looked_at", "message"),
    [
        (("a.xml",), "a.xml", "one XML file"),
        ((), "none", "no such file or folder"),
        (("a.jpg",), "a.jpg", r"a\.jpg is a photo, not annotations"),
        (("empty.txt",), "empty.txt", "the file is empty"),
        (("images/a.jpg",), ".", r"YOLO: 1 photo, but no label file such as .*labels.a\.txt"),
        (("annotations/a.json",), ".", "COCO: no JSON file with 'images'"),
        (("notes.md",), ".", "not recognised as annotations"),
    ],
)
def test_what_is_not_recognised_gets_a_hint(
    tmp_path: Path, files: tuple[str, ...], looked_at: str, message: str
) -> None:
    make(tmp_path, *files)
    with pytest.raises(InputError, match=message) as refused:
        recognised(tmp_path / looked_at)
    assert refused.value.hint
