"""Whatever a file holds: a table whose problems say what was skipped, or headlab's own error."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headlab.boxes import check, read
from headlab.boxes.formats.format import FORMAT_NAMES, FormatName
from headlab.boxes.table import BOXES_SCHEMA, IMAGES_SCHEMA
from headlab.boxes.writing import write
from headlab.errors import HeadlabError

SLOW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
NUMBER = st.one_of(
    st.integers(-5, 5).map(str),
    st.floats().map(repr),
    st.sampled_from(["", "x", "1_0", "١", "-", "1e999", "nan", "9" * 400, "0x1", "None"]),
)
LINE = st.one_of(
    st.builds(
        lambda path, boxes: " ".join([path, *boxes]),
        st.sampled_from(["a.jpg", "", "a b.png", "\0", "..", "x" * 5000, "\\", "C:\\a.jpg"]),
        st.lists(st.lists(NUMBER, max_size=7).map(",".join), max_size=4),
    ),
    st.lists(NUMBER, max_size=9).map(" ".join),
    st.text(max_size=30),
)
TEXT = st.lists(LINE, max_size=6).flatmap(
    lambda lines: st.sampled_from(["\n", "\r\n", "\r"]).map(lambda end: end.join(lines))
)
BYTES = st.one_of(
    st.binary(max_size=80),
    st.builds(
        lambda text, name: text.encode(name, "replace"),
        TEXT,
        st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp932", "latin-1"]),
    ),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                [
                    *("images", "annotations", "categories", "id", "image_id", "category_id"),
                    *("bbox", "file_name", "width", "height", "name", "iscrowd"),
                ]
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=25,
)
TAG = st.sampled_from(
    ["annotation", "object", "bndbox", "xmin", "ymax", "name", "size", "width", "filename", "x"]
)
XML = st.recursive(
    st.one_of(NUMBER, st.sampled_from(["&amp;", "<", "&x;", "<!--", "]]>", "<?p?>"])),
    lambda inner: st.builds(
        lambda tag, parts: f"<{tag}>{''.join(parts)}</{tag}>", TAG, st.lists(inner, max_size=4)
    ),
    max_leaves=15,
)
YAML = st.one_of(
    st.text("trainvlesmp:[]{}&*-'\"\n #!?|>@`0123,", max_size=60),
    st.builds(
        "train: {}\nval: {}\npath: {}\nnames: {}\nnc: {}\n".format,
        *[
            st.sampled_from(
                ["images", "../x", "[images, 7]", "~", "{0: a}", "x.txt", "[a, b]", "-1", "'\\0'"]
            )
        ]
        * 5,
    ),
)


def survives(path: Path, format: FormatName | None) -> None:  # noqa: A002
    """Read and check; the table is sound, and only headlab's own errors are raised."""
    for options in ({}, {"assume_size": (10, 10)}):
        try:
            table = read(path, format=format, **options)  # type: ignore[arg-type]
        except HeadlabError:
            continue
        assert table.boxes.schema == BOXES_SCHEMA
        assert table.images.schema == IMAGES_SCHEMA
        assert not any(
            table.boxes[name].has_nulls() for name in ("image_id", "class_id", "x1", "y2")
        )
        assert table.boxes.select("x1", "y1", "x2", "y2").to_numpy().size == 4 * table.boxes.height
        check(table)
        out = path.parent / f"{path.name} as {len(options)}"
        with contextlib.suppress(HeadlabError):
            write(
                table,
                out,
                FORMAT_NAMES[table.boxes.height % len(FORMAT_NAMES)],
                photos="none",
                force=True,
            )


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[], Path]:
    """A path that does not exist yet, new for every example."""
    count = iter(range(10**9))
    return lambda: tmp_path / str(next(count))


@SLOW
@given(data=BYTES)
def test_keras(folder: Callable[[], Path], data: bytes) -> None:
    path = folder().with_suffix(".txt")
    path.write_bytes(data)
    survives(path, "keras")
    survives(path, None)


@SLOW
@given(text=JSON, around=st.booleans(), data=BYTES)
def test_coco(folder: Callable[[], Path], text: object, around: bool, data: bytes) -> None:
    path = folder().with_suffix(".json")
    images = [{"id": 0, "file_name": "a.jpg", "width": 5, "height": 5}]
    wrapped = {"images": images, "annotations": text if isinstance(text, list) else [text]}
    path.write_text(json.dumps(wrapped if around else text))
    survives(path, "coco")
    path.write_bytes(data)
    survives(path, None)


@SLOW
@given(text=TEXT, data=BYTES)
def test_csv(folder: Callable[[], Path], text: str, data: bytes) -> None:
    path = folder().with_suffix(".csv")
    path.write_text(f"filename,xmin,ymin,xmax,ymax,class\n{text.replace(' ', ',')}")
    survives(path, None)
    path.write_bytes(data)
    survives(path, "csv")
    survives(path, None)


@SLOW
@given(text=XML, data=BYTES)
def test_voc(folder: Callable[[], Path], text: str, data: bytes) -> None:
    path = folder()
    (path / "ImageSets" / "Main").mkdir(parents=True)
    (path / "Annotations").mkdir()
    (path / "Annotations" / "a.xml").write_text(f"<annotation>{text}</annotation>")
    (path / "Annotations" / "b.xml").write_bytes(data)
    survives(path, "voc")
    (path / "ImageSets" / "Main" / "train.txt").write_bytes(data)
    survives(path, None)


@SLOW
@given(text=TEXT, data=BYTES, yaml=YAML)
def test_yolo(folder: Callable[[], Path], text: str, data: bytes, yaml: str) -> None:
    path = folder()
    (path / "images").mkdir(parents=True)
    (path / "labels").mkdir()
    for name in ("a", "b"):
        (path / "images" / f"{name}.png").write_bytes(b"")
    (path / "labels" / "a.txt").write_text(text)
    (path / "labels" / "b.txt").write_bytes(data)
    survives(path, "yolo")
    (path / "data.yaml").write_text(yaml)
    survives(path, None)
    (path / "data.yaml").write_bytes(data)
    survives(path, "yolo")


@SLOW
@given(data=BYTES)
@pytest.mark.parametrize("format", FORMAT_NAMES)
def test_any_bytes_as_any_format(
    folder: Callable[[], Path],
    format: FormatName,  # noqa: A002
    data: bytes,
) -> None:
    path = folder()
    path.write_bytes(data)
    survives(path, format)
