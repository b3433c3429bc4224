"""Which class of the model is which of the annotations."""

from __future__ import annotations

from pathlib import Path

import pytest
from annotated import annotated, save_noise

import yolov3_models
from headlab.errors import InputError
from headlab.evaluate.classes import ClassMatch, matched_classes
from headlab.families.identify import identify


def matched(
    folder: Path, data: tuple[str, ...] | None, model: tuple[str, ...], numbers: str = "0 1 1"
) -> ClassMatch:
    save_noise(folder, ["a.png"])
    boxes = " ".join(f"10,10,{30 + at},40,{number}" for at, number in enumerate(numbers.split()))
    layout = identify(yolov3_models.random_model(class_names=model))
    return matched_classes(layout, annotated(folder, [f"a.png {boxes}"], data))


def test_by_name_whatever_the_number(tmp_path: Path) -> None:
    found = matched(tmp_path, ("cat", "ANT"), ("ant", "bee", "cat"))
    assert found.names == ("ant", "cat")
    assert found.model_ids == (0, 2)
    assert found.of_model.tolist() == [0, -1, 1]
    assert found.of_data == {0: 1, 1: 0}
    assert found.absent == ("bee",)
    assert found.remarks() == ["not evaluated: bee, which the annotations do not have"]


def test_classes_that_the_model_does_not_know_are_told(tmp_path: Path) -> None:
    found = matched(tmp_path, ("ant", "dog"), ("ant",), "0 1 1")
    assert found.unknown == {"dog": 2}
    assert found.remarks() == ["not evaluated: dog (2 boxes), which the model does not have"]


def test_by_number_where_there_are_no_names(tmp_path: Path) -> None:
    found = matched(tmp_path, None, ("ant", "bee", "cat"))
    assert found.names == ("ant", "bee", "cat")
    assert found.of_data == {0: 0, 1: 1, 2: 2}
    assert found.remarks() == [
        "the annotations have no class names, so that their numbers were taken for the model's: 0 is ant, "
        "1 is bee; --data-names gives them names"
    ]


def test_a_name_is_taken_in_its_own_letter_case_first(tmp_path: Path) -> None:
    found = matched(tmp_path, ("Ant",), ("ant", "Ant"), "0")
    assert found.model_ids == (1,)


@pytest.mark.parametrize(
    ("data", "model", "numbers", "message"),
    [
        (("dog", "eel"), ("ant", "bee"), "0 1", "have dog, eel; the model has ant, bee"),
        (
            None,
            ("ant", "bee"),
            "0 2",
            "train.txt:1: class number 2; the model has 2 classes, 0 to 1",
        ),
        (("ant",), ("ANT", "aNT"), "0", "several classes named 'ant': numbers 0, 1"),
    ],
)
def test_what_does_not_fit_is_refused(
    data: tuple[str, ...] | None,
    model: tuple[str, ...],
    numbers: str,
    message: str,
    tmp_path: Path,
) -> None:
    with pytest.raises(InputError, match=message):
        matched(tmp_path, data, model, numbers)
