"""COCO's annotations: one JSON file with lists of images, annotations and categories.

A box is x, y, width, height there. Category numbers may have gaps (COCO's 80 classes have numbers up to
90); class numbers are their positions in ascending order, as everywhere in the YOLO family.

Source: the page "Data format" of cocodataset.org.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import polars as pl

from headlab.boxes.classes import class_names
from headlab.boxes.formats.coco.columns import CocoFile, read_coco_json, whole_number
from headlab.boxes.formats.format import SURE, Evidence, Reading
from headlab.boxes.photos.search import resolved, with_slashes
from headlab.boxes.table import (
    ASSUMED,
    DUPLICATE_BOX,
    DUPLICATE_IMAGE,
    BoxTable,
    Problem,
    boxes_frame,
    images_frame,
)
from headlab.errors import InputError
from headlab.files.existing import is_folder
from headlab.files.text import first_lines, sound
from headlab.plain_text import composed

_PREFIXES = ("instances_", "_annotations.", "annotations_")


def recognise_coco(path: Path) -> Evidence:
    """Sure of a file with the name of JSON; of a folder, it says which file to give instead."""
    if is_folder(path):
        files = (file for base in (path, path / "annotations") for file in base.glob("*.json"))
        listing = next((file for file in sorted(files) if _names_images(file)), None)
        if listing is None:
            return Evidence(0, "no JSON file with 'images' and 'annotations'")
        return Evidence(0, f"{listing} looks like one: give that file instead of the folder")
    if path.suffix.lower() == ".json":
        return Evidence(SURE, "the name ends in .json")
    return Evidence(0, "no JSON file")


def _names_images(path: Path) -> bool:
    """Whether a JSON file begins like one of COCO, as far as its first lines tell."""
    try:
        start = "".join(first_lines(path))
    except InputError:
        return False
    return '"images"' in start or '"annotations"' in start


def read_coco(path: Path, how: Reading) -> BoxTable:
    """Read a COCO file.

    Class names that are given set the numbers of the classes; by default all categories are classes, in the
    order of their numbers.

    Raises:
        InputError: the file cannot be read, is not a COCO file, or lists no image.
    """
    content = read_coco_json(path)
    file = str(path)
    problems = [
        Problem(
            "error", "bad-box", f"Annotation {index + 1} of the list {fault}. It was skipped.", file
        )
        for index, fault in content.rejected
    ]
    problems += [
        Problem("warning", kind, f"Annotation {index + 1} of the list {what}{_more(count)}.", file)
        for kind, index, what, count in content.assumed
    ]
    names, categories = _classes(content, how, file, problems)
    entries = _images(content, file, problems)
    if not entries:
        causes = [problem.message for problem in problems if problem.kind == _BAD_IMAGE]
        raise InputError(
            f"{path}: lists no image.{' ' + causes[0] if causes else ''}",
            "A COCO file has a list 'images', each with a number 'id' and a 'file_name'.",
        )
    numbers, image_names, widths, heights = zip(*entries, strict=True)
    image_column = pl.Series(image_names, dtype=pl.String)
    images = images_frame(
        image_column,
        path=resolved(with_slashes(image_column), path.parent, how.images, _near(path)),
        width_px=widths,
        height_px=heights,
        split=how.split,
        file=file,
        source_id=numbers,
    )
    boxes = _boxes(content.annotations, images, categories, file, problems)
    made = [number for number in numbers if content.numbers.is_made(number)]
    if made:
        named = pl.col("source_id").is_in(made)
        images = images.with_columns(source_id=pl.when(~named).then("source_id"))
    by_class = {class_id: number for number, class_id in categories.items()}
    complete = len(by_class) == len(names)
    complete = complete and not any(map(content.numbers.is_made, categories))
    category_ids = tuple(by_class[class_id] for class_id in range(len(names))) if complete else ()
    source = "the categories" if how.names is None else "the names that were given"
    return BoxTable(
        *(boxes, images, names, tuple(problems), "coco", category_ids),
        names_source=source if names else "",
    )


def _classes(
    content: CocoFile, how: Reading, file: str, problems: list[Problem]
) -> tuple[tuple[str, ...], dict[int, int]]:
    """The class names, and the class number of each category's number."""
    listed = content.rest.get("categories")
    categories: dict[int, str] = {}
    for index, entry in enumerate(listed if isinstance(listed, list) else []):
        number = content.numbers(entry.get("id")) if isinstance(entry, dict) else None
        if number is None or number in categories:
            fault = "has no whole number as 'id'" if number is None else f"repeats the id {number}"
            message = f"Category {index + 1} of the list {fault}. It was skipped."
            problems.append(Problem("error", "bad-category", message, file))
            continue
        categories[number] = sound(entry.get("name", f"category {number}"))[:_LONGEST_NAME]
    if how.names is not None:
        listed_names = class_names(how.names, how.encoding)
        names = listed_names.names
        problems += listed_names.problems
        class_ids = {composed(name): class_id for class_id, name in enumerate(names)}
        return names, {
            number: class_ids[composed(name)]
            for number, name in categories.items()
            if composed(name) in class_ids
        }
    if not categories:
        message = "The class names are unknown: the file has no list 'categories'."
        problems.append(Problem("warning", "no-class-names", message, file))
        numbers = sorted(content.annotations["category"].unique().to_list())
        return (), {number: class_id for class_id, number in enumerate(numbers)}
    ordered = sorted(categories)
    return tuple(categories[number] for number in ordered), {
        number: class_id for class_id, number in enumerate(ordered)
    }


def _images(
    content: CocoFile, file: str, problems: list[Problem]
) -> list[tuple[int, str, int | None, int | None]]:
    """Number, name, width and height of each image."""
    listed = content.rest.get("images")
    images: dict[int, tuple[int, str, int | None, int | None]] = {}
    contradicted: set[int] = set()
    backslashes: list[str] = []
    for index, entry in enumerate(listed if isinstance(listed, list) else []):
        number = content.numbers(entry.get("id")) if isinstance(entry, dict) else None
        name = _file_name(entry) if isinstance(entry, dict) else ""
        if number is None or not name:
            fault = "has no number as 'id'" if number is None else "has no 'file_name'"
            message = f"Image {index + 1} of the list {fault}. It was skipped, with its boxes."
            problems.append(Problem("error", _BAD_IMAGE, message, file))
            continue
        if number in images:
            before = images[number][1]
            if before == name:
                message = f"Image {index + 1} of the list repeats an earlier one. It counts once."
                problems.append(Problem("warning", DUPLICATE_IMAGE, message, file, None, name))
                continue
            contradicted.add(number)
            message = (
                f"Image {index + 1} of the list, {name}, repeats the id {entry['id']} of {before}: which of "
                "them a box is on is unknown. Both were skipped, with their boxes."
            )
            problems.append(Problem("error", _BAD_IMAGE, message, file, None, name))
            continue
        width, height = _side(entry.get("width")), _side(entry.get("height"))
        known = width is not None and height is not None
        images[number] = (number, name, *((width, height) if known else (None, None)))
        if "\\" in name:
            backslashes.append(name)
    if backslashes:
        message = (
            f"The 'file_name' {backslashes[0]} has backslashes, which were read as slashes"
            f"{_more(len(backslashes))}."
        )
        problems.append(Problem("warning", ASSUMED, message, file, None, backslashes[0]))
    return [image for number, image in images.items() if number not in contradicted]


def _file_name(entry: dict[str, Any]) -> str:
    """The photo's name; LVIS, for one, gives only the address that it was downloaded from."""
    name = entry.get("file_name")
    if not isinstance(name, str) or not name:
        address = entry.get("coco_url")
        name = urlsplit(address).path.lstrip("/") if isinstance(address, str) else ""
    return sound(name)


def _more(count: int) -> str:
    """What follows the first of several: how many more there are."""
    return f" ({count - 1:,} more like this)" if count > 1 else ""


def _side(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}(?:\.0*)?", value.strip()):
        value = float(value)
    number = whole_number(value)
    return number if number is not None and 0 < number < _LARGEST else None


_BAD_IMAGE = "bad-image-entry"
_LARGEST = 2**31
_LONGEST_NAME = 1000


def _boxes(
    annotations: pl.DataFrame,
    images: pl.DataFrame,
    categories: dict[int, int],
    file: str,
    problems: list[Problem],
) -> pl.DataFrame:
    numbers = pl.DataFrame(
        {"category": list(categories), "class_id": list(categories.values())},
        schema={"category": pl.Int64, "class_id": pl.Int64},
    )
    joined = annotations.join(
        images.select("image_id", image="source_id"), on="image", how="left", maintain_order="left"
    ).join(numbers, on="category", how="left", maintain_order="left")
    lost = joined.filter(pl.col("image_id").is_null() | pl.col("class_id").is_null())
    for index, image, image_id, category in lost.select(
        "at", "image", "image_id", "category"
    ).iter_rows():
        if image_id is None:
            kind, fault = "boxes-without-image", f"image {image}, which is not listed"
        else:
            kind, fault = "unknown-class", f"category {category}, which is not among the classes"
        message = f"Annotation {index + 1} of the list is of {fault}. It was skipped."
        problems.append(Problem("error", kind, message, file))
    kept = joined.drop_nulls(["image_id", "class_id"]).sort("image_id", maintain_order=True)
    kept = _without_repeated(kept, file, problems)
    corners = kept.select(
        x1="x", y1="y", x2=pl.col("x") + pl.col("w"), y2=pl.col("y") + pl.col("h")
    )
    return boxes_frame(
        kept["image_id"], kept["class_id"], corners, images, file=file, crowd=kept["crowd"]
    )


def _without_repeated(boxes: pl.DataFrame, file: str, problems: list[Problem]) -> pl.DataFrame:
    """The boxes without those that repeat another with its number; a number of two boxes is told."""
    numbered = pl.col("id").is_not_null()
    repeated = boxes.filter(numbered & pl.col("id").is_duplicated())
    if not repeated.height:
        return boxes
    same = ("id", "image", "category", "x", "y", "w", "h")
    twice = numbered & ~pl.struct(same).is_first_distinct()
    dropped = boxes.filter(twice)
    if dropped.height:
        at, number = dropped.select("at", "id").row(0)
        message = (
            f"Annotation {at + 1} of the list repeats an earlier one, with the id {number}"
            f"{_more(dropped.height)}. It counts once."
        )
        problems.append(Problem("warning", DUPLICATE_BOX, message, file))
    kept = boxes.filter(~twice)
    others = kept.filter(numbered & ~pl.col("id").is_first_distinct())
    if others.height:
        at, number = others.select("at", "id").row(0)
        message = (
            f"Annotation {at + 1} of the list has the id {number} of another box{_more(others.height)}. Both "
            "were read; COCO's own tools lose one of them."
        )
        problems.append(Problem("warning", ASSUMED, message, file))
    return kept


def _near(path: Path) -> list[Path]:
    """Folders near the file that may hold its photos, such as train2017/ of instances_train2017.json."""
    stem = path.stem
    for prefix in _PREFIXES:
        stem = stem.removeprefix(prefix)
    homes = (path.parent, path.parent.parent)
    return [home / name for home in homes for name in (stem, f"images/{stem}", "images")]
