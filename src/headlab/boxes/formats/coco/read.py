"""COCO's annotations: one JSON file with lists of images, annotations and categories.

A box is x, y, width, height there. Category numbers may have gaps (COCO's 80 classes have numbers up to
90); class numbers are their positions in ascending order, as everywhere in the YOLO family.

Source: the page "Data format" of cocodataset.org.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from headlab.boxes.classes import class_names
from headlab.boxes.formats.coco.columns import CocoFile, read_coco_json, whole_number
from headlab.boxes.formats.format import SURE, Evidence, Reading
from headlab.boxes.photos.search import resolved
from headlab.boxes.table import BoxTable, Problem, boxes_frame, images_frame
from headlab.errors import InputError
from headlab.files.existing import is_folder
from headlab.files.text import first_lines, sound

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
    names, categories = _classes(content, how, file, problems)
    entries = _images(content, file, problems)
    if not entries:
        raise InputError(f"{path}: lists no image.", "A COCO file has a list 'images'.")
    numbers, image_names, widths, heights = zip(*entries, strict=True)
    image_column = pl.Series(image_names, dtype=pl.String)
    images = images_frame(
        image_column,
        path=resolved(image_column, path.parent, how.images, _near(path)),
        width_px=widths,
        height_px=heights,
        split=how.split,
        file=file,
        source_id=numbers,
    )
    boxes = _boxes(content.annotations, images, categories, file, problems)
    by_class = {class_id: number for number, class_id in categories.items()}
    complete = len(by_class) == len(names)
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
        number = whole_number(entry.get("id")) if isinstance(entry, dict) else None
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
        class_ids = {name: class_id for class_id, name in enumerate(names)}
        return names, {
            number: class_ids[name] for number, name in categories.items() if name in class_ids
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
    for index, entry in enumerate(listed if isinstance(listed, list) else []):
        number = whole_number(entry.get("id")) if isinstance(entry, dict) else None
        name = entry.get("file_name") if isinstance(entry, dict) else None
        if number is None or not isinstance(name, str) or number in images:
            fault = "has no whole number as 'id'" if number is None else "has no 'file_name'"
            if number in images:
                fault = f"repeats the id {number}"
            message = f"Image {index + 1} of the list {fault}. It was skipped, with its boxes."
            problems.append(Problem("error", "bad-image-entry", message, file))
            continue
        width, height = _side(entry.get("width")), _side(entry.get("height"))
        known = width is not None and height is not None
        images[number] = (number, sound(name), *((width, height) if known else (None, None)))
    return list(images.values())


def _side(value: Any) -> int | None:
    number = whole_number(value)
    return number if number is not None and 0 < number < _LARGEST else None


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
    corners = kept.select(
        x1="x", y1="y", x2=pl.col("x") + pl.col("w"), y2=pl.col("y") + pl.col("h")
    )
    return boxes_frame(
        kept["image_id"], kept["class_id"], corners, images, file=file, crowd=kept["crowd"]
    )


def _near(path: Path) -> list[Path]:
    """Folders near the file that may hold its photos, such as train2017/ of instances_train2017.json."""
    stem = path.stem
    for prefix in _PREFIXES:
        stem = stem.removeprefix(prefix)
    homes = (path.parent, path.parent.parent)
    return [home / name for home in homes for name in (stem, f"images/{stem}", "images")]
