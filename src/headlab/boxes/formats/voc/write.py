"""Write Pascal VOC: `Annotations`, `ImageSets/Main`, and `JPEGImages` with links to the photos."""

from __future__ import annotations

from html import escape
from pathlib import Path

import polars as pl

from headlab.boxes.classes import names_text, written_names
from headlab.boxes.formats.format import Photos
from headlab.boxes.formats.losses import Losses
from headlab.boxes.formats.photo_links import place_photos, plain_names
from headlab.boxes.table import BoxTable
from headlab.plain_text import printable

_DIGITS = 6  # of a pixel
_HEAD = "<annotation>\n\t<folder>JPEGImages</folder>\n\t<filename>{}</filename>\n"
_SIZE = (
    "\t<size>\n\t\t<width>{}</width>\n\t\t<height>{}</height>\n\t\t<depth>3</depth>\n\t</size>\n"
)
_OBJECT = (
    "\t<object>\n\t\t<name>{}</name>\n\t\t<difficult>{}</difficult>\n\t\t<bndbox>\n"
    "\t\t\t<xmin>{}</xmin>\n\t\t\t<ymin>{}</ymin>\n\t\t\t<xmax>{}</xmax>\n\t\t\t<ymax>{}</ymax>\n"
    "\t\t</bndbox>\n\t</object>\n"
)


def write_voc(table: BoxTable, folder: Path, photos: Photos, losses: Losses) -> None:
    """Write a folder of Pascal VOC; corners are written as they are, with fractions if they have any.

    An image that is listed several times gets one file with all its boxes, equal ones only once.

    Raises:
        InputError: two classes have the same name.
    """
    images = table.images.with_columns(name=plain_names(table.images))
    boxes = _boxes(table, images, losses)
    names = [_xml_text(name) for name in written_names(table)]
    first = images.unique("name", keep="first", maintain_order=True)
    annotations = folder / "Annotations"
    annotations.mkdir()
    for name, width, height in first.select("name", "width_px", "height_px").iter_rows():
        size = _SIZE.format(width, height) if width is not None else ""
        objects = "".join(
            _OBJECT.format(names[number], int(difficult), *map(_number, corners))
            for number, difficult, *corners in boxes.get(name, ())
        )
        text = f"{_HEAD.format(_xml_text(name))}{size}{objects}</annotation>\n"
        (annotations / f"{_stem(name)}.xml").write_text(text, "utf-8")
    losses.note(
        "unknown-size",
        first["width_px"].null_count(),
        "{} no known size, which was left out",
        of="images",
    )
    _write_lists(images, folder)
    (folder / "classes.txt").write_text(names_text(table), "utf-8")
    (folder / "JPEGImages").mkdir()
    targets = [f"JPEGImages/{name}" for name in first["name"]]
    place_photos(folder, first["path"].to_list(), targets, photos, losses)


def _boxes(
    table: BoxTable, images: pl.DataFrame, losses: Losses
) -> dict[str, list[tuple[int, bool, float, float, float, float]]]:
    """Class number, flag and corners of the boxes, by the photo's name."""
    losses.note(
        "crowd",
        int(table.boxes["crowd"].sum()),
        "{} the flag 'crowd', which the format does not have: they were left out",
    )
    named = (
        table.boxes.filter(~pl.col("crowd"))
        .join(images.select("image_id", "name"), on="image_id", how="left", maintain_order="left")
        .select("name", "image_id", "class_id", "difficult", "x1", "y1", "x2", "y2")
    )
    repeated = images.filter(pl.col("name").is_duplicated())["name"].unique()
    again = pl.col("name").is_in(repeated.implode())
    once = named.filter(again).unique(
        [name for name in named.columns if name != "image_id"], keep="first", maintain_order=True
    )
    by_name: dict[str, list[tuple[int, bool, float, float, float, float]]] = {}
    for name, _, *box in pl.concat([named.filter(~again), once]).iter_rows():
        by_name.setdefault(name, []).append(tuple(box))
    return by_name


def _write_lists(images: pl.DataFrame, folder: Path) -> None:
    lists = folder / "ImageSets" / "Main"
    listed = images.drop_nulls("split")
    if not listed.height:
        return
    lists.mkdir(parents=True)
    for (split,), images_of_split in listed.group_by("split", maintain_order=True):
        stems = dict.fromkeys(_stem(name) for name in images_of_split["name"])
        (lists / f"{split}.txt").write_text("".join(f"{stem}\n" for stem in stems), "utf-8")


def _xml_text(name: str) -> str:
    return escape(printable(name), quote=False)


def _stem(name: str) -> str:
    return name.rsplit(".", 1)[0]


def _number(value: float) -> str:
    rounded = round(value, _DIGITS)
    return str(int(rounded)) if rounded.is_integer() else repr(rounded)
