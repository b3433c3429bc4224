"""COCO's annotations: one JSON file with lists of images, annotations and categories.

A box is x, y, width, height there; category numbers may have gaps (COCO's 80 classes have numbers up to
90), and class numbers are their places in ascending order, as everywhere in the YOLO family.

Source: the page "Data format" of cocodataset.org.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from headlab.boxes.classes import Classes, class_names
from headlab.boxes.formats.coco.columns import CocoFile, read_coco_json, whole_number
from headlab.boxes.photos.search import resolved
from headlab.boxes.table import BoxTable, Problem, boxes_frame, images_frame
from headlab.errors import InputError
from headlab.files.text import sound

_PREFIXES = ("instances_", "_annotations.", "annotations_")


def read_coco(
    path: Path,
    *,
    classes: Classes | None = None,
    images: Path | None = None,
    split: str | None = None,
) -> BoxTable:
    """Read a COCO file.

    Args:
        path: the file.
        classes: class names, which set the classes' numbers; by default all categories, by their numbers.
        images: the folder with the photos.
        split: what to call the split.

    Raises:
        InputError: the file cannot be read, is no COCO file, or lists no image.
    """
    found = read_coco_json(path)
    file = str(path)
    problems = [
        Problem("error", "bad-box", f"Annotation {at + 1} of the list {why}. It was skipped.", file)
        for at, why in found.rejected
    ]
    names, categories = _classes(found, classes, file, problems)
    listed = _images(found, file, problems)
    if not listed:
        raise InputError(f"{path}: lists no image.", "A COCO file has a list 'images'.")
    image_names = pl.Series([each[1] for each in listed], dtype=pl.String)
    image_table = images_frame(
        image_names,
        path=resolved(image_names, path.parent, images, _near(path)),
        width_px=[each[2] for each in listed],
        height_px=[each[3] for each in listed],
        split=split,
        file=file,
        source_id=[each[0] for each in listed],
    )
    boxes = _boxes(found.annotations, image_table, categories, file, problems)
    known = {at: number for number, at in categories.items()}
    in_order = tuple(known[at] for at in range(len(names))) if len(known) == len(names) else ()
    return BoxTable(boxes, image_table, names, tuple(problems), "coco", in_order)


def _classes(
    found: CocoFile, classes: Classes | None, file: str, problems: list[Problem]
) -> tuple[tuple[str, ...], dict[int, int]]:
    """The class names, and the class number of each category's number."""
    said = found.rest.get("categories")
    categories: dict[int, str] = {}
    for at, each in enumerate(said if isinstance(said, list) else []):
        number = whole_number(each.get("id")) if isinstance(each, dict) else None
        if number is None or number in categories:
            why = "has no whole number as 'id'" if number is None else f"repeats the id {number}"
            message = f"Category {at + 1} of the list {why}. It was skipped."
            problems.append(Problem("error", "bad-category", message, file))
            continue
        categories[number] = sound(each.get("name", f"category {number}"))[:_LONGEST_NAME]
    if classes is not None:
        names, name_problems = class_names(classes)
        problems += name_problems
        places = {name: at for at, name in enumerate(names)}
        return names, {
            number: places[name] for number, name in categories.items() if name in places
        }
    if not categories:
        message = "The class names are unknown: the file has no list 'categories'."
        problems.append(Problem("warning", "no-class-names", message, file))
        numbers = sorted(found.annotations["category"].unique().to_list())
        return (), {number: at for at, number in enumerate(numbers)}
    ordered = sorted(categories)
    return tuple(categories[each] for each in ordered), {
        number: at for at, number in enumerate(ordered)
    }


def _images(
    found: CocoFile, file: str, problems: list[Problem]
) -> list[tuple[int, str, int | None, int | None]]:
    """Number, name, width and height of each image."""
    said = found.rest.get("images")
    listed: dict[int, tuple[int, str, int | None, int | None]] = {}
    for at, each in enumerate(said if isinstance(said, list) else []):
        number = whole_number(each.get("id")) if isinstance(each, dict) else None
        name = each.get("file_name") if isinstance(each, dict) else None
        if number is None or not isinstance(name, str) or number in listed:
            fault = "has no whole number as 'id'" if number is None else "has no 'file_name'"
            why = f"repeats the id {number}" if number in listed else fault
            message = f"Image {at + 1} of the list {why}. It was skipped, with its boxes."
            problems.append(Problem("error", "bad-image-entry", message, file))
            continue
        width, height = _side(each.get("width")), _side(each.get("height"))
        known = width is not None and height is not None
        listed[number] = (number, sound(name), *((width, height) if known else (None, None)))
    return list(listed.values())


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
    found = annotations.join(
        images.select("image_id", image="source_id"), on="image", how="left", maintain_order="left"
    ).join(numbers, on="category", how="left", maintain_order="left")
    lost = found.filter(pl.col("image_id").is_null() | pl.col("class_id").is_null())
    for at, image, image_id, category in lost.select(
        "at", "image", "image_id", "category"
    ).iter_rows():
        if image_id is None:
            kind, why = "boxes-without-image", f"image {image}, which is not listed"
        else:
            kind, why = "unknown-class", f"category {category}, which is not among the classes"
        message = f"Annotation {at + 1} of the list is of {why}. It was skipped."
        problems.append(Problem("error", kind, message, file))
    kept = found.drop_nulls(["image_id", "class_id"]).sort("image_id", maintain_order=True)
    corners = kept.select(
        x1="x", y1="y", x2=pl.col("x") + pl.col("w"), y2=pl.col("y") + pl.col("h")
    )
    return boxes_frame(
        kept["image_id"], kept["class_id"], corners, images, file=file, crowd=kept["crowd"]
    )


def _near(path: Path) -> list[Path]:
    """Folders beside the file that may hold its photos: `instances_train2017.json`, `train2017/`."""
    stem = path.stem
    for prefix in _PREFIXES:
        stem = stem.removeprefix(prefix)
    homes = (path.parent, path.parent.parent)
    return [home / name for home in homes for name in (stem, f"images/{stem}", "images")]
