"""Which photos to train on and which to validate on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headlab.boxes.classes import written_names
from headlab.boxes.mistakes import refuse_mistaken
from headlab.boxes.reading import NO_PHOTOS, read
from headlab.boxes.table import MISSING_IMAGE, BoxTable, Problem
from headlab.errors import InputError
from headlab.plain_text import composed
from headlab.train.configuration.config import DataConfig
from headlab.train.data.photos import Photos, counted, photos_of

TRAIN = "train"
VAL = ("val", "valid")
TEST = "test"

_KINDS_SHOWN = 3


@dataclass(frozen=True)
class Data:
    """The photos of a training.

    Attributes:
        train: the photos to train on; there are boxes on them.
        val: the photos to validate on; None for none.
        notes: what is wrong or unusual, in sentences.
        table: the annotations of the training photos.
        config: the configuration, with the splits decided.
    """

    train: Photos
    val: Photos | None
    notes: tuple[str, ...]
    table: BoxTable
    config: DataConfig


def read_data(config: DataConfig, input_hw_px: tuple[int, int] | None = None) -> Data:
    """Read the annotations and divide the photos.

    Validation uses annotations of its own, or a split of its own, or photos that are held out as in
    keras-yolo3: see `hold_out`.

    Args:
        config: where the annotations are, and how to divide them.
        input_hw_px: height and width of the network's input, to say which boxes are too small there.

    Raises:
        InputError: nothing can be read, a split is missing, no photo exists, no photo has a box, all boxes
            are too small in the input, a class has no name, or the classes of training and validation do
            not match.
    """
    table = _read(config.train, config)
    problems = _problem_notes(table.problems, config.train)
    val: BoxTable | None
    if config.val is None:
        config = _decided(config, table, table)
        train, val, split_note = _divided(_named(table, config), config)
    else:
        other = _read(config.val, config)
        problems += _problem_notes(other.problems, config.val)
        config = _decided(config, table, other)
        table, other = _matched(table, other, config)
        train = _part(table, config.train_split, config.train, config)
        val, split_note = _part(other, config.val_split, str(config.val), config), ""
    photos, train_notes = photos_of(train, input_hw_px=input_hw_px)
    if not photos.box_count:
        raise InputError(
            f"{config.train}: none of the {len(photos):,} photos to train on has a box.",
            f"headlab boxes check {config.train} says what is wrong with the annotations.",
        )
    val_photos, val_notes = (None, ()) if val is None else _val_photos(val)
    notes = (split_note, *problems, *train_notes, *val_notes, _both_note(photos, val_photos))
    return Data(photos, val_photos, tuple(note for note in notes if note), train, config)


def hold_out(count: int, fraction: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the photos to train on and to validate on, drawn as in keras-yolo3's train.py.

    The photos are taken in the order of their lines and shuffled by NumPy's legacy generator; the last
    int(count * fraction) of them are held out for validation.
    """
    order = np.arange(count)
    np.random.RandomState(seed).shuffle(order)
    first = count - int(count * fraction)
    return order[:first], order[first:]


def _read(path: str, config: DataConfig, split: str | None = None) -> BoxTable:
    table = read(
        path,
        format=config.format,
        names=config.names,
        images=config.images,
        split=split,
        encoding=config.encoding,
    )
    refuse_mistaken(table)
    return table


def _splits(table: BoxTable) -> list[str]:
    return table.images["split"].drop_nulls().unique(maintain_order=True).to_list()


def _one_split(table: BoxTable, name: str, path: str, config: DataConfig) -> BoxTable:
    """A split; Pascal VOC's lists with unusual names are read only on request."""
    if table.format == "voc" and name not in _splits(table):
        return replace(_read(path, config, name), class_names=table.class_names)
    return table.only_split(name)


def _decided(config: DataConfig, table: BoxTable, other: BoxTable) -> DataConfig:
    """The configuration with the usual splits, if they exist and no others were chosen."""
    train = config.train_split or (TRAIN if TRAIN in _splits(table) else None)
    free = [split for split in _splits(other) if other is not table or split != train]
    val = config.val_split or next((split for split in VAL if split in free), None)
    return config.model_copy(update={"train_split": train, "val_split": val})


def _part(table: BoxTable, name: str | None, path: str, config: DataConfig) -> BoxTable:
    """A split, or everything if none is named."""
    return table if name is None else _one_split(table, name, path, config)


def _divided(table: BoxTable, config: DataConfig) -> tuple[BoxTable, BoxTable | None, str]:
    """Training and validation data from the same annotations, and a note on how they were divided."""
    train_name, val_name = config.train_split, config.val_split
    if train_name is not None and train_name == val_name:
        raise InputError(
            f"{config.train}: the split {val_name!r} is both trained and validated on.",
            "Name two splits, or leave one of them out.",
        )
    if train_name is None:
        train = _without(table, {name for name in (val_name, TEST) if name})
    else:
        train = _one_split(table, train_name, config.train, config)
    if val_name is not None:
        return train, _one_split(table, val_name, config.train, config), ""
    return _fraction(train, config)


def _without(table: BoxTable, names: set[str]) -> BoxTable:
    """The table without these splits.

    Raises:
        InputError: nothing is left.
    """
    kept = table.images.filter(~pl.col("split").fill_null("").is_in(list(names)))
    if not kept.height:
        raise InputError(
            f"There is no split to train on, only {' and '.join(sorted(names))}.",
            "Name it with data.train_split.",
        )
    return table.with_images(kept) if kept.height < table.images.height else table


def _fraction(table: BoxTable, config: DataConfig) -> tuple[BoxTable, BoxTable | None, str]:
    count = table.images.height
    train, val = hold_out(count, config.val_fraction, config.split_seed)
    if not len(val):
        note = (
            f"{config.val_fraction:g} of {count:,} photos is less than one: there is no validation."
        )
        return table, None, note if config.val_fraction else ""
    note = (
        f"{len(val):,} of {count:,} photos are held out for validation (seed {config.split_seed})."
    )
    return table.with_images(table.images[train]), table.with_images(table.images[val]), note


def _named(table: BoxTable, config: DataConfig) -> BoxTable:
    """The table with a name for every class.

    Raises:
        InputError: some classes have names and others do not.
    """
    if not table.class_names:
        return replace(table, class_names=written_names(table))
    known = len(table.class_names)
    beyond = table.boxes.filter(pl.col("class_id") >= known).head(1)
    for number, file, line in beyond.select("class_id", "file", "line").iter_rows():
        where = Problem("error", "", "", file, line).where
        source = config.names or "the data set"
        raise InputError(
            f"{where}: class {number} has no name: {source} names {known} classes, counted from 0.",
            "Add the missing names, one per line and in the order of their numbers, or correct the label.",
        )
    return table


def _matched(train: BoxTable, val: BoxTable, config: DataConfig) -> tuple[BoxTable, BoxTable]:
    """Both tables with the class names and numbers of the first.

    Raises:
        InputError: only one of them has names, or boxes to validate on are of a class that is not trained.
    """
    if bool(train.class_names) != bool(val.class_names):
        bare = config.val if train.class_names else config.train
        raise InputError(
            f"{bare}: the class names are unknown, but those of the other annotations are known.",
            "Give a file with the class names of both: data.names.",
        )
    if not train.class_names:
        names = max(written_names(train), written_names(val), key=len)
        return replace(train, class_names=names), replace(val, class_names=names)
    train, val = _named(train, config), _named(val, config)
    if train.class_names == val.class_names:
        return train, val
    places = {composed(name): at for at, name in reversed(list(enumerate(train.class_names)))}
    used = set(val.boxes["class_id"].unique().to_list())
    unknown = [
        name for at, name in enumerate(val.class_names)
        if at in used and composed(name) not in places
    ]  # fmt: skip
    if unknown:
        raise InputError(
            f"{config.val} has boxes of {', '.join(unknown)}, and {config.train} has no such class.",
            f"Its classes are {', '.join(train.class_names)}. Use the same names in both.",
        )
    new = {at: places.get(composed(name), 0) for at, name in enumerate(val.class_names)}
    boxes = val.boxes.with_columns(
        class_id=pl.col("class_id").replace_strict(new, return_dtype=pl.Int64)
    )
    return train, replace(val, boxes=boxes, class_names=train.class_names, category_ids=())


def _val_photos(table: BoxTable) -> tuple[Photos, tuple[str, ...]]:
    photos, notes = photos_of(table, evaluated=True)
    if not photos.box_count:
        notes = (*notes, "None of the photos to validate on has a box.")
    return photos, tuple(f"Validation: {note}" for note in notes)


def _both_note(train: Photos, val: Photos | None) -> str:
    both = set(train.paths) & set(val.paths if val is not None else ())
    if not both:
        return ""
    return counted(
        len(both), f"photo{{s}} {{is}} both trained and validated on, such as {min(both)}."
    )


def _problem_notes(problems: Sequence[Problem], path: str) -> tuple[str, ...]:
    """The problems of the annotations by kind, worst first, in a few lines; without missing photos."""
    listed = [problem for problem in problems if problem.kind not in (MISSING_IMAGE, NO_PHOTOS)]
    listed.sort(key=_severity_and_kind)
    notes = []
    for _, group in groupby(listed, key=_severity_and_kind):
        first, *rest = group
        where = f"{first.where}: " if first.where else ""
        more = f" ({len(rest):,} more like this)" if rest else ""
        notes.append(f"{where}{first.message}{more}")
    if not notes:
        return ()
    return (
        *notes[:_KINDS_SHOWN],
        f"headlab boxes check {path} lists everything that is wrong with it.",
    )


def _severity_and_kind(problem: Problem) -> tuple[str, str]:
    return problem.severity, problem.kind
