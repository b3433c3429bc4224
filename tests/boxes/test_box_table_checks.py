"""Every kind of finding, each with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from small_photos import MakePhoto

from headlab.boxes import check, read
from headlab.boxes.table import Problem


def found(path: Path | list[Path], **options: object) -> list[Problem]:
    table = read(path, names=["cat", "dog"])  # type: ignore[arg-type]
    return list(check(table, **options))  # type: ignore[arg-type]


def kinds(problems: list[Problem]) -> list[tuple[str, str, int | None]]:
    return [(each.severity, each.kind, each.line) for each in problems]


def text(tmp_path: Path, *lines: str, name: str = "train.txt") -> Path:
    path = tmp_path / name
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_nothing_is_wrong(tmp_path: Path, photo: MakePhoto) -> None:
    photo("a.png", 50, 40)
    assert found(text(tmp_path, "a.png 0,0,50,40,0 1,2,3,4,1")) == []


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ("30,20,10,30,0", [("error", "swapped-corners", 2)]),
        ("10,30,20,20,0", [("error", "swapped-corners", 2)]),
        ("10,10,10,20,0", [("error", "zero-size", 2)]),
        ("60,10,70,20,0", [("error", "box-outside", 2)]),
        ("-30,10,5,20,0", [("error", "box-outside", 2)]),
        ("40,10,53,20,0", [("warning", "box-partly-outside", 2)]),
        ("-1,-1,51,41,0", []),  # one pixel: counting from 1, or rounding
        ("1,2,3,4,7", [("error", "unknown-class", 2)]),
        ("1.5,2,3,4,0", [("warning", "fraction-of-pixel", 2)]),
        ("1,1,2,2,0 1,1,2,2,0", [("warning", "duplicate-box", 2)]),
        ("1,1,2,2,0 1,1,2,2,1", []),
    ],
)
def test_boxes(
    tmp_path: Path, photo: MakePhoto, box: str, expected: list[tuple[str, str, int]]
) -> None:
    photo("a.png", 50, 40)
    photo("b.png", 50, 40, shade=9)
    path = text(tmp_path, "a.png 0,0,9,9,0 0,0,9,9,1", f"b.png {box}")
    problems = found(path)
    assert kinds(problems) == expected
    assert all(each.file == str(path) and each.image == "b.png" for each in problems)


def test_absurd_boxes_where_the_size_is_unknown(tmp_path: Path) -> None:
    problems = found(text(tmp_path, "a.png 0,0,200000,5,0 0,0,5,5,1"), photos=False)
    assert ("error", "absurd-box", 1) in kinds(problems)


def test_classes_without_boxes_and_with_the_same_name(tmp_path: Path, photo: MakePhoto) -> None:
    photo("a.png", 50, 40)
    table = read(text(tmp_path, "a.png 0,0,50,40,0"), names=["cat", "dog", "dog"])
    assert kinds(list(check(table))) == [
        ("warning", "unused-class", None),
        ("warning", "unused-class", None),
        ("warning", "repeated-class-name", None),
    ]


def test_photos(tmp_path: Path, photo: MakePhoto) -> None:
    photo("good.png", 50, 40)
    (tmp_path / "bad.png").write_text("no photo")
    path = text(
        tmp_path,
        "good.png 0,0,9,9,0",
        "none.png 0,0,9,9,1",
        "bad.png 0,0,9,9,1",
        "bare.png",
    )
    photo("bare.png", 5, 5, shade=1)
    assert kinds(found(path)) == [
        ("warning", "no-boxes", 4),
        ("error", "missing-image", 2),
        ("error", "corrupt-image", 3),
    ]
    without = kinds(found(path, photos=False))
    assert ("error", "missing-image", 2) in without  # found by reading, which wants the size
    assert ("warning", "no-boxes", 4) in without


@pytest.mark.parametrize("name", ["cut.jpg", "cut.png"])
def test_a_photo_that_is_cut_off_is_found_by_decoding(tmp_path: Path, name: str) -> None:
    Image.effect_noise((64, 64), 90).convert("RGB").save(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) * 2 // 3])
    path = text(tmp_path, f"{name} 0,0,9,9,0 0,0,9,9,1")
    assert found(path) == []
    assert kinds(found(path, deep=True)) == [("error", "corrupt-image", 1)]


def test_the_same_image_twice_and_paths_with_blanks(tmp_path: Path, photo: MakePhoto) -> None:
    photo("a b.png", 50, 40)
    path = text(tmp_path, "a b.png 0,0,9,9,0", "a b.png 0,0,9,9,1")
    problems = found(path)
    assert kinds(problems) == [
        ("warning", "duplicate-image", 2),
        ("warning", "path-with-space", 1),
    ]
    assert f"{path}:1" in problems[0].message


def test_leakage_by_path_and_by_contents(tmp_path: Path, photo: MakePhoto) -> None:
    photo("a.png", 50, 40)
    photo("b.png", 50, 40, shade=1)
    photo("copy of b.png", 50, 40, shade=1)
    train = text(tmp_path, "a.png 0,0,9,9,0", "b.png 0,0,9,9,1", name="train.txt")
    val = text(tmp_path, "a.png 0,0,9,9,0", "copy of b.png 0,0,9,9,1", name="val.txt")
    problems = [each for each in found([train, val]) if each.severity == "error"]
    assert kinds(problems) == [("error", "leakage", 1), ("error", "leakage", 2)]
    assert all(each.file == str(val) for each in problems)
    assert f"{train}:1" in problems[0].message
    assert f"{train}:2" in problems[1].message
    assert "same contents as b.png" in problems[1].message
    twice = text(tmp_path, "b.png 0,0,9,9,1", "copy of b.png 0,0,9,9,0", name="one.txt")
    assert ("warning", "same-contents", 2) in kinds(found(twice))


def test_a_stated_size_that_is_wrong(tmp_path: Path, photo: MakePhoto) -> None:
    for name, size in (("a", (50, 40)), ("b", (40, 50)), ("c", (51, 40))):
        photo(f"JPEGImages/{name}.png", 50, 40, shade=ord(name))
        (tmp_path / "Annotations").mkdir(exist_ok=True)
        (tmp_path / "Annotations" / f"{name}.xml").write_text(
            f"<annotation><filename>{name}.png</filename><size><width>{size[0]}</width>"
            f"<height>{size[1]}</height></size></annotation>"
        )
    problems = [each for each in check(read(tmp_path, names=[])) if each.kind == "size-mismatch"]
    assert [each.image for each in problems] == ["b.png", "c.png"]
    assert "swapped" in problems[0].message
    assert problems[1].message == (
        "The photo is 50 px wide and 40 px high, the annotation says 51 px wide and 40 px high. The "
        "photo's own size is used."
    )


def test_a_photo_that_is_rotated_by_exif(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (50, 40)).save(tmp_path / "a.jpg", exif=exif)
    path = text(tmp_path, "a.jpg 0,0,50,40,0 0,0,9,9,1")
    assert kinds(found(path)) == [("warning", "rotated-photo", 1)]
    # as keras-yolo3 reads it; YOLO's tools rotate it
    assert read(path).images.select("width_px", "height_px").row(0) == (50, 40)
    (tmp_path / "images").mkdir()
    (tmp_path / "a.jpg").rename(tmp_path / "images" / "a.jpg")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("0 0.5 0.5 1 1\n")
    assert read(tmp_path).images.select("width_px", "height_px").row(0) == (40, 50)


def test_what_reading_found_is_among_it(tmp_path: Path, photo: MakePhoto) -> None:
    photo("a.png", 50, 40)
    path = text(tmp_path, "a.png 0,0,9,9,0 0,0,9,9,1 rubbish")
    assert kinds(found(path)) == [("error", "bad-box", 1)]
