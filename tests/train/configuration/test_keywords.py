"""The keyword arguments of `headlab.train.plan` are the values of the configuration, no more and no less."""

from __future__ import annotations

import typing
from collections.abc import Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any

import pytest

from headlab.train.configuration import config, keywords, values

PAIRS = {
    keywords.DataKeywords: config.DataConfig,
    keywords.StageKeywords: config.StageConfig,
    keywords.AugmentKeywords: config.AugmentConfig,
    keywords.LossKeywords: config.LossConfig,
    keywords.TrainKeywords: config.TrainConfig,
}
KNOWN = {**vars(config), **vars(values), "Sequence": Sequence, "Path": Path}


def parts(kind: Any) -> set[Any]:
    """The kinds of "a or b", without what limits them."""
    if typing.get_origin(kind) is typing.Annotated:
        return parts(typing.get_args(kind)[0])
    if typing.get_origin(kind) in (typing.Union, UnionType):
        return {part for each in typing.get_args(kind) for part in parts(each)}
    return {kind}


@pytest.mark.parametrize("kind", PAIRS, ids=lambda kind: kind.__name__)
def test_names_and_kinds_are_those_of_the_configuration(kind: type) -> None:
    model = PAIRS[kind]
    hints = typing.get_type_hints(kind, vars(keywords), KNOWN)
    fields = {name: field for name, field in model.model_fields.items() if name != "data"}
    assert list(hints) == list(fields)
    for name, field in fields.items():
        if isinstance(field.default, config.Section):
            assert type(field.default) in parts(hints[name]), name
            assert any(PAIRS.get(part) is type(field.default) for part in parts(hints[name])), name
            continue
        plain = {
            part for part in parts(field.annotation) if part in (str, bool, int, float, NoneType)
        }
        plain |= {
            part for part in parts(field.annotation) if typing.get_origin(part) is typing.Literal
        }
        assert plain <= parts(hints[name]), name
        assert (NoneType in parts(hints[name])) == (NoneType in parts(field.annotation)), name
