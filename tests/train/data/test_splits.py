from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from photo_files import write_photo, write_set

from headlab.errors import InputError
from headlab.train.configuration.config import DataConfig
from headlab.train.data.photos import Photos
from headlab.train.data.splits import hold_out, read_data


def names(photos: Photos | None) -> list[str]:
    return [Path(path).stem for path in photos.paths] if photos is not None else []


def config(train: Path, **values: object) -> DataConfig:
    return DataConfig(train=str(train), **values)  # type: ignore[arg-type]


def write_lines(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def write_yolo(folder: Path, splits: dict[str, int], label: str = "1 0.5 0.5 0.5 0.5") -> Path:
    """A YOLO folder without class names: images/SPLIT and labels/SPLIT."""
    for split, count in splits.items():
        for at in range(count):
            photo = write_photo(folder / "images" / split / f"{split}{at}.jpg")
            labels = folder / "labels" / split / f"{photo.stem}.txt"
            labels.parent.mkdir(parents=True, exist_ok=True)
            labels.write_text(f"{label}\n")
    return folder


def test_the_encoding_reaches_the_class_names(tmp_path: Path) -> None:
    """Bytes that are sound text in several encodings: 0xe9 is é in cp1252, and щ in cp1251."""
    write_photo(tmp_path / "a.jpg")
    train = write_lines(tmp_path / "train.txt", "a.jpg 1,1,20,20,0")
    (tmp_path / "names.txt").write_bytes("щука".encode("cp1251"))
    data = config(train, names=str(tmp_path / "names.txt"), encoding="cp1251", val_fraction=0)
    assert read_data(data).table.class_names == ("щука",)


# keras-yolo3's split


def test_the_split_is_keras_yolo3s() -> None:
    """Its train.py seeds NumPy's global generator and shuffles the lines."""
    lines = [f"line {at}" for at in range(25)]
    state = np.random.get_state()
    np.random.seed(10101)
    np.random.shuffle(lines)
    np.random.set_state(state)
    train, val = hold_out(25, 0.1, 10101)
    # int(25 * 0.1) = 2 lines are for validation, the last ones of the shuffled 25
    assert [f"line {at}" for at in train] == lines[:23]
    assert [f"line {at}" for at in val] == lines[23:]


def test_a_short_list_is_divided_as_computed_by_hand() -> None:
    """Fisher and Yates' shuffle, last place first, with what the legacy generator draws."""
    drawn, order = np.random.RandomState(10101), list(range(6))
    for last in range(5, 0, -1):
        mask = (1 << last.bit_length()) - 1
        while (other := int(drawn.randint(0, 2**32, dtype=np.uint32)) & mask) > last:
            pass
        order[last], order[other] = order[other], order[last]
    train, val = hold_out(6, 0.5, 10101)
    assert [*train, *val] == order
    assert len(val) == 3


@pytest.mark.parametrize(
    ("count", "fraction", "split"), [(9, 0.1, 0), (10, 0.1, 1), (19, 0.1, 1), (7, 0.5, 3), (5, 0.0, 0)]
)  # fmt: skip
def test_the_share_is_cut_off_to_a_whole_number(count: int, fraction: float, split: int) -> None:
    train, val = hold_out(count, fraction, 1)
    assert len(val) == split
    assert sorted([*train, *val]) == list(range(count))


def test_without_splits_a_tenth_is_held_out(tmp_path: Path) -> None:
    data = read_data(config(write_set(tmp_path, 20)))
    train, val = hold_out(20, 0.1, 10101)
    assert names(data.train) == [f"p{at}" for at in train]
    assert names(data.val) == [f"p{at}" for at in val]
    assert data.notes == ("2 of 20 photos are held out for validation (seed 10101).",)
    assert data.table.images["image"].to_list() == [f"p{at}.jpg" for at in train]


def test_too_few_photos_to_hold_any_out(tmp_path: Path) -> None:
    data = read_data(config(write_set(tmp_path, 5)))
    assert (len(data.train), data.val) == (5, None)
    assert data.notes == ("0.1 of 5 photos is less than one: there is no validation.",)
    assert read_data(config(write_set(tmp_path, 5), val_fraction=0)).notes == ()


# named splits


def test_splits_called_train_and_val_are_used(tmp_path: Path) -> None:
    data = read_data(config(write_yolo(tmp_path, {"test": 1, "train": 3, "val": 2})))
    assert names(data.train) == ["train0", "train1", "train2"]
    assert names(data.val) == ["val0", "val1"]


def test_valid_counts_as_val(tmp_path: Path) -> None:
    data = read_data(config(write_yolo(tmp_path, {"train": 3, "valid": 2})))
    assert names(data.val) == ["valid0", "valid1"]


def test_splits_by_name(tmp_path: Path) -> None:
    folder = write_yolo(tmp_path, {"train": 3, "val": 2, "odd": 1})
    data = read_data(config(folder, train_split="odd", val_split="train"))
    assert (names(data.train), names(data.val)) == (["odd0"], ["train0", "train1", "train2"])


def test_without_train_everything_else_is_trained_on_but_the_test_split(tmp_path: Path) -> None:
    data = read_data(config(write_yolo(tmp_path, {"a": 1, "b": 1, "test": 1, "val": 1})))
    assert (names(data.train), names(data.val)) == (["a0", "b0"], ["val0"])


def test_a_split_that_is_not_there(tmp_path: Path) -> None:
    folder = write_yolo(tmp_path, {"train": 1, "val": 1})
    with pytest.raises(InputError, match="no split 'extra'") as error:
        read_data(config(folder, val_split="extra"))
    assert "train, val" in error.value.hint
    with pytest.raises(InputError, match="both trained and validated on"):
        read_data(config(folder, train_split="val", val_split="val"))
    with pytest.raises(InputError, match="no split to train on"):
        read_data(config(write_yolo(tmp_path / "only", {"val": 1})))


def test_real_data_with_splits(shared: Path) -> None:
    data = read_data(config(shared / "bccd"))
    assert data.val is not None
    assert (len(data.train), len(data.val)) == (205, 87)
    assert data.train.class_names == data.val.class_names == ("Platelets", "RBC", "WBC")
    # one box of the training photos has no width
    assert data.train.box_count == data.table.boxes.height - 1


# two sources


def test_classes_are_matched_by_name(tmp_path: Path) -> None:
    train = write_set(tmp_path / "train", 2, "1,1,9,9,0 1,1,9,9,1", ("ant", "bee"))
    val = write_set(tmp_path / "val", 1, "1,1,9,9,0 2,2,8,8,1", ("bee", "ant"))
    data = read_data(config(train, val=str(val)))
    assert data.val is not None
    assert data.val.class_names == ("ant", "bee")
    assert data.val.boxes[0].tolist() == [[1, 1, 9, 9, 1], [2, 2, 8, 8, 0]]
    assert (len(data.train), len(data.val)) == (2, 1)


def test_classes_are_matched_in_any_form_of_unicode(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "été") for form in ("NFC", "NFD"))
    train = write_set(tmp_path / "train", 2, "1,1,9,9,0 1,1,9,9,1", ("ant", composed))
    val = write_set(tmp_path / "val", 1, "1,1,9,9,0", (decomposed, "ant"))
    data = read_data(config(train, val=str(val)))
    assert data.val is not None
    assert data.val.boxes[0].tolist() == [[1, 1, 9, 9, 1]]


def test_a_class_that_is_not_trained_cannot_be_validated(tmp_path: Path) -> None:
    train = write_set(tmp_path / "train", 2)
    val = write_set(tmp_path / "val", 1, "1,1,9,9,1", ("ant", "wasp"))
    with pytest.raises(InputError, match="has boxes of wasp") as error:
        read_data(config(train, val=str(val)))
    assert "ant, bee" in error.value.hint
    unused = write_set(tmp_path / "unused", 1, "1,1,9,9,0", ("ant", "wasp"))
    assert read_data(config(train, val=str(unused))).val is not None


def test_names_and_numbers_do_not_go_together(tmp_path: Path) -> None:
    train = write_set(tmp_path / "train", 2)
    val = write_yolo(tmp_path / "val", {"val": 1})
    with pytest.raises(InputError, match="class names are unknown"):
        read_data(config(train, val=str(val)))


def test_photos_in_both_are_noted(tmp_path: Path) -> None:
    train = write_set(tmp_path, 3)
    val = write_lines(tmp_path / "val.txt", "p1.jpg 1,1,9,9,0")
    notes = read_data(config(train, val=str(val))).notes
    assert notes == (
        f"1 photo is both trained and validated on, such as {tmp_path / 'p1.jpg'}.",
    )  # fmt: skip


# classes


def test_classes_without_names_are_called_by_their_numbers(tmp_path: Path) -> None:
    data = read_data(config(write_yolo(tmp_path, {"train": 1, "val": 1})))
    assert data.train.class_names == ("class 0", "class 1")


def test_a_classes_file_that_is_shorter_than_the_labels(tmp_path: Path) -> None:
    text = write_set(tmp_path, 3)
    write_lines(text, "p0.jpg 1,1,9,9,0", "p1.jpg 1,1,9,9,1 1,1,9,9,2")
    with pytest.raises(InputError) as error:
        read_data(config(text, names=str(tmp_path / "classes.txt")))
    assert error.value.message == (
        f"{text}:2: class 2 has no name: {tmp_path / 'classes.txt'} names 2 classes, counted from 0."
    )
    assert "Add the missing names" in error.value.hint


# nothing to train on


def test_nothing_to_train_on(tmp_path: Path) -> None:
    empty = write_lines(tmp_path / "train.txt", "")
    with pytest.raises(InputError, match="the file is empty"):
        read_data(config(empty))


def test_photos_without_boxes(tmp_path: Path) -> None:
    text = write_set(tmp_path, 3, "")
    with pytest.raises(InputError, match="none of the 3 photos to train on has a box") as error:
        read_data(config(text))
    assert "headlab boxes check" in error.value.hint


def test_photos_that_are_not_there(tmp_path: Path) -> None:
    text = write_lines(tmp_path / "train.txt", "a.jpg 1,1,9,9,0")
    with pytest.raises(InputError, match=r"None of the 1 photos exists.*a\.jpg"):
        read_data(config(text))


def test_problems_are_told_in_a_few_lines(tmp_path: Path) -> None:
    text = write_set(tmp_path, 3)
    lines = (
        "p0.jpg 1,1,9,9,0 1,1,nan,9,0",
        "p1.jpg 1,1,9,9,0 1,1,9",
        "p2.jpg 1,1,9,9,0 1,1,9,9,x",
        "3,4,5,6,7",
    )
    write_lines(text, *lines)
    notes = read_data(config(text, val_fraction=0)).notes
    assert len(notes) == 3
    assert notes[0].startswith(f"{text}:1: ")
    assert notes[0].endswith("(2 more like this)")
    assert notes[1].startswith(f"{text}:4: ")
    assert notes[2] == f"headlab boxes check {text} lists everything that is wrong with it."
