"""Settings of an evaluation, and the keyword arguments that stand for them."""

from __future__ import annotations

from typing import get_type_hints

import pytest

from headlab.errors import InputError
from headlab.evaluate.settings import EvaluationSettings, Settings


def test_the_keyword_arguments_are_the_settings() -> None:
    assert get_type_hints(EvaluationSettings) == get_type_hints(Settings)
    assert EvaluationSettings.__total__ is False, "each one may be left out"


def test_values_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="conf is 2"):
        Settings(conf=2)
    with pytest.raises(InputError, match="imgsz is -1"):
        Settings(imgsz=-1)
