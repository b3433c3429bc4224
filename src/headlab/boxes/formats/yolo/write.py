"""Write YOLO's annotations: `data.yaml`, `labels`, and `images` with links to the photos."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import yaml

from headlab.boxes.classes import written_names
from headlab.boxes.formats.format import Photos
from headlab.boxes.formats.losses import Losses
from headlab.boxes.formats.photo_links import place_photos, plain_names
from headlab.boxes.formats.yolo.dataset import SPLITS
from headlab.boxes.table import BoxTable
from headlab.errors import InputError

_DIGITS = (
    8  # of a share: a millionth of a pixel on a side of 100 pixels, a 2,500th on one of 40,000
)


def write_yolo(table: BoxTable, folder: Path, photos: Photos, losses: Losses) -> None:
    """Write a folder that ultralytics can train on.

    ultralytics refuses a photo whose labels have numbers below 0 or above 1: boxes are cut off at the
    photo's edges, and those of which nothing is left are left out.

    Raises:
        InputError: the size of a photo is unknown.
    """
    images = table.images.with_columns(
        name=plain_names(table.images), split=_split_names(table.images["split"], losses)
    )
    _check_sizes(images, table.boxes)
    boxes = _shares(losses.without_crowds(table.boxes), images, losses)
    texts = boxes.group_by("image_id").agg(pl.col("text").str.join("\n"))
    listed = images.join(texts, on="image_id", how="left", maintain_order="left")
    merged = listed.group_by("split", "name", maintain_order=True).agg(
        pl.col("text").drop_nulls(), pl.col("path").first()
    )
    splits = merged["split"].unique(maintain_order=True).to_list()
    for split in splits:
        (folder / "labels" / split).mkdir(parents=True)
        (folder / "images" / split).mkdir(parents=True)
    for split, name, lines, _ in merged.iter_rows():
        label = folder / "labels" / split / (name.rsplit(".", 1)[0] + ".txt")
        label.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    places = pl.concat_str(pl.lit("images/"), "split", pl.lit("/"), "name")
    targets = merged.select(places).to_series().to_list()
    place_photos(folder, merged["path"].to_list(), targets, photos, losses)
    folders = {split: f"images/{split}" for split in splits}
    for required in ("train", "val"):  # ultralytics refuses a file without both
        folders.setdefault(required, folders[splits[0]])
    names = written_names(table)
    classes = {"names": dict(enumerate(names))} if table.class_names else {"nc": len(names)}
    described = yaml.safe_dump({**folders, **classes}, sort_keys=False, allow_unicode=True)
    (folder / "data.yaml").write_text(described, "utf-8")


def _split_names(splits: pl.Series, losses: Losses) -> pl.Series:
    """The splits, renamed to those that ultralytics knows where the names begin alike ("train2017")."""
    names: dict[str, str] = {}
    for split in splits.drop_nulls().unique(maintain_order=True):
        like = next((known for known in SPLITS if split.startswith(known)), split)
        names[split] = like if like not in names.values() else split
        if names[split] not in SPLITS:
            count = int((splits == split).sum())
            losses.note(
                "split",
                count,
                f"{{}} the split {split!r}, which ultralytics does not read",
                "images",
            )
    renamed: pl.Series = splits.replace_strict(names, default=None, return_dtype=pl.String)
    return renamed.fill_null("train")


def _check_sizes(images: pl.DataFrame, boxes: pl.DataFrame) -> None:
    unknown = images.filter(pl.col("width_px").is_null()).join(boxes, on="image_id", how="semi")
    if unknown.height:
        raise InputError(
            f"The sizes of {unknown.height:,} photos are unknown, such as {unknown['image'][0]}, and YOLO's "
            "boxes are shares of them.",
            "Name the folder with the photos with --images, or give their size with --assume-size H,W.",
        )


def _shares(boxes: pl.DataFrame, images: pl.DataFrame, losses: Losses) -> pl.DataFrame:
    """The boxes' lines: image_id, text."""
    sized = boxes.join(
        images.select("image_id", "width_px", "height_px"),
        on="image_id",
        how="left",
        maintain_order="left",
    )
    x1, x2 = pl.min_horizontal("x1", "x2"), pl.max_horizontal("x1", "x2")
    y1, y2 = pl.min_horizontal("y1", "y2"), pl.max_horizontal("y1", "y2")
    cut = sized.with_columns(
        left=x1.clip(0, pl.col("width_px")),
        right=x2.clip(0, pl.col("width_px")),
        top=y1.clip(0, pl.col("height_px")),
        bottom=y2.clip(0, pl.col("height_px")),
        x1=x1,
        x2=x2,
        y1=y1,
        y2=y2,
    )
    changed = pl.any_horizontal(
        (pl.col(new) - pl.col(old)).abs() > _EXACT_PX
        for new, old in (("left", "x1"), ("right", "x2"), ("top", "y1"), ("bottom", "y2"))
    )
    empty = (pl.col("right") <= pl.col("left")) | (pl.col("bottom") <= pl.col("top"))
    losses.note(
        "cut",
        int(cut.select((changed & ~empty).sum()).item()),
        "{} a part outside of the photo, which was cut off",
    )
    losses.note(
        "empty-box",
        int(cut.select(empty.sum()).item()),
        "{} no area within the photo: they were left out",
    )
    width, height = pl.col("width_px"), pl.col("height_px")
    shares = [
        (pl.col("left") + pl.col("right")) / 2 / width,
        (pl.col("top") + pl.col("bottom")) / 2 / height,
        (pl.col("right") - pl.col("left")) / width,
        (pl.col("bottom") - pl.col("top")) / height,
    ]
    numbers = [pl.col("class_id").cast(pl.String)]
    numbers += [share.round(_DIGITS).cast(pl.String) for share in shares]
    return cut.filter(~empty).select("image_id", text=pl.concat_str(numbers, separator=" "))


_EXACT_PX = 1e-6
