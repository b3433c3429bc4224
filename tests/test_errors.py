"""Messages say what is wrong and where; hints say what to do next."""

from __future__ import annotations

import pytest

from headlab import errors
from headlab.errors import HeadlabError, InputError, OutputError, TrainingError, UnknownName


def test_the_tree_is_the_one_that_is_drawn() -> None:
    classes = [each for each in vars(errors).values() if isinstance(each, type)]
    own = {each for each in classes if issubclass(each, HeadlabError)}
    assert {each.__name__ for each in own if issubclass(each, InputError)} == {
        "InputError",
        "CheckpointError",
        "UnsupportedHead",
        "UnknownName",
        "RecipeError",
        "SourceError",
        "MissingExtra",
    }
    assert own - {each for each in own if issubclass(each, InputError)} == {
        HeadlabError,
        OutputError,
        TrainingError,
    }
    drawn = str(errors.__doc__)
    assert all(each.__name__ in drawn for each in own)


def test_the_text_is_the_message_and_the_hint() -> None:
    assert str(InputError("This is wrong.")) == "This is wrong."
    error = InputError("This is wrong.", "Do that.")
    assert str(error) == "This is wrong.\nDo that."
    assert (error.message, error.hint) == ("This is wrong.", "Do that.")


TWELVE = [f"name {number}" for number in range(12)]


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("brid", ["bird", "cat"], "Did you mean 'bird'?"),
        ("BIRD", ["bird", "Birds"], "Did you mean 'bird' or 'Birds'?"),
        ("x", ["bird", "cat"], "Known: bird, cat."),
        ("x", TWELVE, f"Known: {', '.join(TWELVE)}."),
        ("x", [*TWELVE, "name 12"], f"Known: {', '.join(TWELVE)}, …."),
        ("x", [], "There are none."),
    ],
)
def test_unknown_names(name: str, known: list[str], hint: str) -> None:
    error = UnknownName("class", name, known)
    assert error.message == f"There is no class {name!r}."
    assert error.hint == hint
