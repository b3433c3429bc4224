"""Levels and classes are found by name or number; a wrong one names the nearest."""

from __future__ import annotations

import pytest

from headlab.errors import InputError, UnknownName
from headlab.heads.layout import ClassRows, Layout, Level


def layout(*names: str) -> Layout:
    levels = tuple(
        Level(
            name,
            stride,
            1,
            (ClassRows("one2many", f"{name}.weight", f"{name}.bias", 0, len(names)),),
        )
        for name, stride in (("P3", 8), ("P4", 16), ("P5", 32))
    )
    return Layout("Detect", "detect", levels, names, end_to_end=False, rotated=False)


COCO_LIKE = layout("person", "bird", "cat", "teddy bear", "ねこ", "7")


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("bird", 1),
        ("BIRD", 1),
        ("Teddy Bear", 3),
        ("ねこ", 4),
        ("1", 1),
        (" 2 ", 2),
        (0, 0),
        (5, 5),
        ("7", 5),  # the class named "7", though it is number 5
    ],
)
def test_classes_by_name_and_number(name: str | int, number: int) -> None:
    assert COCO_LIKE.class_id(name) == number


def test_a_spelling_that_matches_exactly_wins() -> None:
    assert layout("Cat", "cat").class_id("cat") == 1
    assert layout("Cat", "cat").class_id("Cat") == 0
    assert layout("cat", "\u00e9t\u00e9").class_id("E\u0301te\u0301") == 1, "NFC and NFD"


@pytest.mark.parametrize(("names", "name"), [(("Cat", "cat"), "CAT"), (("a", "x", "x"), "x")])
def test_an_ambiguous_name_asks_for_a_number(names: tuple[str, ...], name: str) -> None:
    with pytest.raises(InputError) as raised:
        layout(*names).class_id(name)
    assert raised.value.message == f"Several classes are named {name!r}."
    numbers = ", ".join(str(at) for at, each in enumerate(names) if each.lower() == name.lower())
    assert raised.value.hint == f"Use a number: {numbers}."


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("brid", "Did you mean 'bird'?"),
        ("PERSONS", "Did you mean 'person'?"),
        ("teddybear", "Did you mean 'teddy bear'?"),
        ("zebra crossing", "Known: person, bird, cat, teddy bear, ねこ, 7."),
    ],
)
def test_an_unknown_class_names_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(UnknownName) as raised:
        COCO_LIKE.class_id(name)
    assert raised.value.message == f"There is no class {name!r}."
    assert raised.value.hint == hint
    assert (raised.value.kind, raised.value.name) == ("class", name)


@pytest.mark.parametrize("number", [6, "6", -1, "-1", 10**6])
def test_a_number_out_of_range(number: int | str) -> None:
    with pytest.raises(InputError) as raised:
        COCO_LIKE.class_id(number)
    assert raised.value.message == f"There is no class number {number}."
    assert raised.value.hint == "The model has classes 0 to 5."


@pytest.mark.parametrize("name", ["²", "③", "--", "-", "", "1.5", "9" * 5000, True])
def test_what_only_looks_like_a_number_is_refused(name: str | int) -> None:
    with pytest.raises(InputError):
        layout("ant").class_id(name)


@pytest.mark.parametrize(("name", "index"), [("P3", 0), ("p4", 1), (" P5 ", 2)])
def test_levels_by_name(name: str, index: int) -> None:
    assert COCO_LIKE.level_index(name) == index


def test_an_unknown_level_names_those_there_are() -> None:
    with pytest.raises(UnknownName) as raised:
        COCO_LIKE.level_index("P6")
    assert raised.value.message == "There is no level 'P6'."
    assert raised.value.hint == "Did you mean 'P5' or 'P4' or 'P3'?"
    with pytest.raises(UnknownName, match="There is no level 'large'") as raised:
        COCO_LIKE.level_index("large")
    assert raised.value.hint == "Known: P3, P4, P5."


def test_rows_of_several_slots() -> None:
    # YOLOv3's last convolution: per slot 4 box numbers, 1 objectness and 80 classes, 85 rows.
    rows = ClassRows("one2many", "w", "b", first_row=5, rows_per_slot=85)
    assert rows.row(0) == 5
    assert rows.row(79, slot=2) == 5 + 2 * 85 + 79


def test_addresses_at_an_input_size() -> None:
    space = COCO_LIKE.addresses(384, 640)
    assert space.level_names == ("P3", "P4", "P5")
    assert space.total == 5040
