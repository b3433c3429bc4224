"""COCO files: their numbers, their flags, what is rejected, and the fast way through large ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_photos import MakePhoto

from headlab.boxes import read
from headlab.boxes.formats.coco.columns import annotation_columns, fast_columns
from headlab.boxes.table import BoxTable
from headlab.errors import InputError

IMAGES = [
    {"id": 40, "file_name": "a.jpg", "width": 50, "height": 40},
    {"id": 7, "file_name": "b.jpg", "width": 20, "height": 10},
]
CATEGORIES = [{"id": 90, "name": "toothbrush"}, {"id": 1, "name": "person"}]


_NUMBERS = iter(range(5, 10**9))


def annotation(**changes: Any) -> dict[str, Any]:
    box = {"image_id": 40, "category_id": 1, "bbox": [1, 2, 3, 4]}
    return {"id": next(_NUMBERS), **box, **changes}


def write(path: Path, *annotations: Any, **parts: Any) -> Path:
    content = {
        "images": IMAGES,
        "annotations": list(annotations),
        "categories": CATEGORIES,
        **parts,
    }
    path.write_text(json.dumps(content))
    return path


def said(table: BoxTable) -> list[tuple[str, str]]:
    return [(each.severity, each.kind) for each in table.problems]


def test_numbers_with_gaps(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.json",
        annotation(image_id=7, category_id=90, bbox=[1.5, 2, 3, 4], iscrowd=1),
        annotation(iscrowd=0),
        annotation(category_id=90),
    )
    table = read(path)
    # images in the file's order, classes by ascending category number; x2 = x + width
    columns = ("image", "class_id", "x1", "y1", "x2", "y2", "crowd")
    assert table.boxes.select(columns).rows() == [
        ("a.jpg", 0, 1, 2, 4, 6, False),
        ("a.jpg", 1, 1, 2, 4, 6, False),
        ("b.jpg", 1, 1.5, 2, 4.5, 6, True),
    ]
    assert table.class_names == ("person", "toothbrush")
    assert table.category_ids == (1, 90)
    columns = ("image", "width_px", "height_px", "source_id")
    assert table.images.select(columns).rows() == [("a.jpg", 50, 40, 40), ("b.jpg", 20, 10, 7)]
    assert not table.problems


@pytest.mark.parametrize(
    ("broken", "kind", "reason"),
    [
        (annotation(bbox=[1, 2, 3]), "bad-box", "four numbers"),
        (annotation(bbox=None), "bad-box", "four numbers"),
        (annotation(bbox=[1, 2, 3, "x"]), "bad-box", "four finite numbers"),
        (annotation(bbox=[1, 2, 3, float("nan")]), "bad-box", "four finite numbers"),
        (annotation(bbox=[1, 2, 3, 10**400]), "bad-box", "four finite numbers"),
        (annotation(bbox=[1, 2, 3, True]), "bad-box", "four finite numbers"),
        (annotation(bbox=[1, 2, 3, 1e12]), "bad-box", "larger than any photo"),
        (annotation(image_id=" "), "bad-box", "'image_id'"),
        (annotation(category_id=None), "bad-box", "'category_id'"),
        (annotation(category_id=10**30), "bad-box", "'category_id'"),
        ("text", "bad-box", "is not an object"),
        (annotation(image_id=41), "boxes-without-image", "image 41"),
        (annotation(category_id=2), "unknown-class", "category 2"),
    ],
)
def test_a_bad_annotation_is_skipped(tmp_path: Path, broken: Any, kind: str, reason: str) -> None:
    table = read(write(tmp_path / "x.json", annotation(), broken, annotation()))
    assert table.boxes.height == 2
    assert said(table) == [("error", kind)]
    assert "Annotation 2 of the list" in table.problems[0].message
    assert reason in table.problems[0].message


@pytest.mark.parametrize(
    ("image", "reason", "kept"),
    [
        ({"file_name": "c.jpg"}, "'id'", ["a.jpg", "b.jpg"]),
        ({"id": 8}, "'file_name'", ["a.jpg", "b.jpg"]),
        ({"id": 7, "file_name": "c.jpg"}, "repeats the id 7 of b.jpg", ["a.jpg"]),
        ("c.jpg", "'id'", ["a.jpg", "b.jpg"]),
    ],
)
def test_a_bad_image_is_skipped(tmp_path: Path, image: Any, reason: str, kept: list[str]) -> None:
    table = read(write(tmp_path / "x.json", images=[*IMAGES, image]))
    assert table.images["image"].to_list() == kept
    assert said(table) == [("error", "bad-image-entry")]
    assert reason in table.problems[0].message


@pytest.mark.parametrize("side", [None, 0, -4, "fifty", 1.5])
def test_an_unusable_size_is_unknown(tmp_path: Path, side: Any) -> None:
    table = read(write(tmp_path / "x.json", images=[{**IMAGES[0], "width": side}]))
    assert table.images.select("width_px", "height_px").row(0) == (None, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"x\.json, line 1: not JSON"),
        ('{"images": [],\n "annotations": [}', r"x\.json, line 2: not JSON"),
        ("[]", "no list 'annotations'"),
        ('{"annotations": {}}', "no list 'annotations'"),
        ('{"annotations": []}', "lists no image"),
        ("[" * 100_000, "not JSON"),
        ('{"a": "\xff"}', "lists|no list"),
    ],
)
def test_what_is_no_coco_file(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(InputError, match=message):
        read(tmp_path / "x.json")


def test_classes_can_be_given(tmp_path: Path) -> None:
    path = write(tmp_path / "x.json", annotation(), annotation(category_id=90))
    table = read(path, names=["toothbrush"])
    assert table.boxes["class_id"].to_list() == [0]
    assert said(table) == [("error", "unknown-class")]


def test_without_categories_numbers_are_ranks(tmp_path: Path) -> None:
    path = write(tmp_path / "x.json", annotation(), annotation(category_id=90), categories=[])
    table = read(path)
    assert table.boxes["class_id"].to_list() == [0, 1]
    assert said(table) == [("warning", "no-class-names")]


def test_half_characters_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write(
        path,
        images=[{"id": 1, "file_name": "\ud800.jpg"}],
        categories=[{"id": 1, "name": "\udfff"}],
    )
    table = read(path)
    assert table.images["image"].to_list() == ["?.jpg"]
    assert table.class_names == ("?",)


def test_photos_beside_the_file(tmp_path: Path, photo: MakePhoto) -> None:
    photo("images/train2017/a.jpg", 50, 40)
    (tmp_path / "annotations").mkdir()
    path = write(tmp_path / "annotations" / "instances_train2017.json")
    assert read(path).images["path"][0] == str(tmp_path / "images" / "train2017" / "a.jpg")


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("separators", [None, (",", ":")])
@pytest.mark.parametrize("last", ["annotations", "categories"])
def test_the_fast_way_reads_the_same(
    indent: int | None, separators: tuple[str, str] | None, last: str
) -> None:
    polygon = [[1.5, 2, 3, 4, 5, 6]]
    annotations = [
        annotation(segmentation=polygon, iscrowd=0, area=12.5),
        annotation(segmentation={"counts": [1, 2], "size": [3, 4]}, iscrowd=1),
        annotation(bbox=[0.1, 2e3, -3, 0]),
    ]
    parts: dict[str, Any] = {"info": {"annotations": 7}, "images": IMAGES, "categories": CATEGORIES}
    parts["annotations"] = annotations
    parts[last] = parts.pop(last)
    found = fast_columns(json.dumps(parts, indent=indent, separators=separators).encode())
    assert found is not None
    assert found.annotations.equals(annotation_columns(annotations)[0])
    assert found.rest == {name: part for name, part in parts.items() if name != "annotations"}


@pytest.mark.parametrize(
    "broken",
    [
        annotation(bbox=[1, 2, 3]),
        annotation(bbox=[1, 2, 3, None]),
        annotation(bbox=None),
        annotation(bbox=[1, 2, 3, 1e12]),
        annotation(image_id="40"),
        annotation(iscrowd=True),
        annotation(iscrowd=2),
        annotation(note="a}, {b"),
        annotation(parts=[{"a": 1}, {"b": 2}]),
        {"id": 1},
    ],
)
def test_the_fast_way_leaves_the_unusual_to_the_other(broken: dict[str, Any]) -> None:
    parts = {"annotations": [annotation(), broken, annotation()], "images": IMAGES}
    assert fast_columns(json.dumps(parts).encode()) is None


def test_a_large_file_takes_the_fast_way(tmp_path: Path) -> None:
    many = [annotation(id=at, bbox=[at, 1, 2, 3]) for at in range(15_000)]
    path = write(tmp_path / "x.json", *many)
    assert path.stat().st_size > 1_000_000
    assert fast_columns(path.read_bytes()) is not None
    table = read(path)
    assert table.boxes["x1"].to_list() == list(range(15_000))
    assert (
        read(write(path, *many, annotation(image_id=1))).problems[0].kind == "boxes-without-image"
    )


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 2**70), st.floats(), st.text(max_size=5)
)
BOXES = st.one_of(
    st.lists(st.floats(-10, 10), min_size=4, max_size=4), st.lists(VALUES, max_size=5), VALUES
)
ANNOTATIONS = st.one_of(
    st.fixed_dictionaries(
        {"image_id": st.integers(0, 3), "category_id": st.integers(0, 3), "bbox": BOXES},
        optional={
            "iscrowd": VALUES,
            "note": st.text("{}[],\"' \n", max_size=8),
            "segmentation": BOXES,
        },
    ),
    st.dictionaries(st.sampled_from(["image_id", "category_id", "bbox"]), VALUES),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(ANNOTATIONS, max_size=4))
def test_the_fast_way_is_right_or_gives_up(annotations: list[dict[str, Any]]) -> None:
    found = fast_columns(json.dumps({"images": [], "annotations": annotations}).encode())
    slow, rejected, _ = annotation_columns(annotations)
    if found is not None:
        assert not rejected
        assert found.annotations.equals(slow)
        assert isinstance(found.annotations, pl.DataFrame)


def test_numbers_as_texts(tmp_path: Path, photo: MakePhoto) -> None:
    photo("a.png", 50, 40)
    path = write(
        tmp_path / "x.json",
        annotation(image_id="7", category_id="1", bbox=["1", 2, "3.5", 4]),
        annotation(image_id="7", category_id=1, iscrowd="1"),
        annotation(image_id=7, category_id="1", bbox=[9, 9, 2, 2], iscrowd="0"),
        annotation(image_id="uuid-5", category_id="cat", bbox=[9, 9, 2, 2], iscrowd="False"),
        images=[
            {"id": "7", "file_name": "a.png", "width": "50", "height": "40"},
            {"id": "uuid-5", "file_name": "b.png", "width": 50, "height": 40.0},
        ],
        categories=[{"id": "1", "name": "person"}, {"id": "cat", "name": "cat"}],
    )
    table = read(path)
    assert table.boxes.select("image", "x1", "y1", "x2", "y2", "crowd").rows() == [
        ("a.png", 1, 2, 4.5, 6, False),
        ("a.png", 1, 2, 4, 6, True),
        ("a.png", 9, 9, 11, 11, False),
        ("b.png", 9, 9, 11, 11, False),
    ]
    assert [table.class_name(number) for number in table.boxes["class_id"]] == ["person"] * 3 + [
        "cat"
    ]
    assert table.images.select("width_px", "height_px", "source_id").rows() == [
        (50, 40, 7),
        (50, 40, None),
    ]
    assert {problem.kind for problem in table.problems} == {"assumed"}
    messages = [problem.message for problem in table.problems]
    assert (
        "Annotation 1 of the list has a text as 'image_id', which was read as a number "
        "(2 more like this)."
    ) in messages


@pytest.mark.parametrize("bbox", [{}, {"bbox": []}, {"bbox": None}])
def test_a_polygon_without_a_box(tmp_path: Path, bbox: dict[str, Any]) -> None:
    outline = {**annotation(), "segmentation": [[10, 12, 30, 10, 20, 25], [5, 11, 6, 12, 7, 13.5]]}
    del outline["bbox"]
    table = read(write(tmp_path / "x.json", {**outline, **bbox}))
    assert table.boxes.select("x1", "y1", "x2", "y2").rows() == [(5, 10, 30, 25)]
    assert said(table) == [("warning", "polygon")]


@pytest.mark.parametrize(
    ("segmentation", "reason"),
    [
        ({"counts": [0, 5, 10], "size": [100, 100]}, "only a mask (RLE)"),
        ([], "no 'bbox'"),
        ([[1, 2, 3]], "no 'bbox'"),
        ([["a", "b"]], "no 'bbox'"),
        ([None], "no 'bbox'"),
    ],
)
def test_an_outline_that_is_none(tmp_path: Path, segmentation: Any, reason: str) -> None:
    path = write(tmp_path / "x.json", annotation(bbox=None, segmentation=segmentation))
    (problem,) = read(path).problems
    assert (problem.severity, problem.kind) == ("error", "bad-box")
    assert reason in problem.message


def test_backslashes_in_names(tmp_path: Path, photo: MakePhoto) -> None:
    photo("img/a.png", 50, 40)
    photo("img/b.png", 20, 10, shade=1)
    (tmp_path / "sub").mkdir()
    for folder, start in ((tmp_path, "img"), (tmp_path / "sub", "..\\img")):
        images = [
            {**image, "file_name": f"{start}\\{name}.png"}
            for image, name in zip(IMAGES, "ab", strict=True)
        ]
        table = read(write(folder / "x.json", annotation(), images=images))
        assert all(Path(path).exists() for path in table.images["path"])
        assert said(table) == [("warning", "assumed")]
        assert (
            "backslashes, which were read as slashes (1 more like this)"
            in table.problems[0].message
        )


def test_an_address_for_a_name(tmp_path: Path, photo: MakePhoto) -> None:
    """LVIS has no 'file_name'."""
    photo("val2017/a.png", 50, 40)
    image = {"id": 40, "coco_url": "http://example.org/val2017/a.png"}
    table = read(write(tmp_path / "x.json", annotation(), images=[image]))
    assert table.images.select("image", "width_px").rows() == [("val2017/a.png", 50)]
    assert not table.problems


def test_the_same_annotation_twice(tmp_path: Path) -> None:
    once = annotation(id=3)
    table = read(write(tmp_path / "x.json", once, annotation(id=4), once, once))
    assert len(table) == 2  # 3 and 4: two numbers are two objects
    assert said(table) == [("warning", "duplicate-box")]
    assert "with the id 3 (1 more like this)" in table.problems[0].message


def test_one_number_for_two_boxes(tmp_path: Path) -> None:
    table = read(write(tmp_path / "x.json", annotation(id=3), annotation(id=3, bbox=[5, 5, 9, 9])))
    assert len(table) == 2
    assert said(table) == [("warning", "assumed")]
    assert "Annotation 2 of the list has the id 3 of another box" in table.problems[0].message


def test_the_same_image_twice_in_the_list(tmp_path: Path) -> None:
    table = read(write(tmp_path / "x.json", annotation(), images=[*IMAGES, IMAGES[0]]))
    assert table.images["image"].to_list() == ["a.jpg", "b.jpg"]
    assert said(table) == [("warning", "duplicate-image")]


def test_the_first_error_says_why_there_is_no_image(tmp_path: Path) -> None:
    path = write(tmp_path / "x.json", annotation(), images=[{"id": None, "file_name": "a.jpg"}])
    with pytest.raises(
        InputError, match=r"lists no image\. Image 1 of the list has no number as 'id'"
    ):
        read(path)


@pytest.mark.parametrize(
    ("content", "format"),
    [
        ([{"image_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}], "list of detections"),
        ({"shapes": [], "imagePath": "a.jpg"}, "LabelMe"),
        ({"_via_settings": {}, "_via_img_metadata": {}}, "VGG Image Annotator"),
        ([{"image": "a.jpg", "annotations": []}], "Create ML"),
    ],
)
def test_other_json_is_called_by_its_name(tmp_path: Path, content: Any, format: str) -> None:  # noqa: A002
    (tmp_path / "x.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=format):
        read(tmp_path / "x.json")
