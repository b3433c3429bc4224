"""Random valid configurations, made from the model's own fields."""

from __future__ import annotations

import typing
from types import NoneType, UnionType
from typing import Any

from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from headlab.train.configuration.config import Section, TrainConfig
from headlab.train.configuration.file import flat

_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8).filter(
    lambda text: text != "none"
)
_SIDES = st.integers(1, 19).map(lambda cells: 32 * cells)
_POSITIVE = st.floats(1e-3, 1e3)
_SPECIAL: dict[str, st.SearchStrategy[Any]] = {
    "imgsz": st.tuples(_SIDES, _SIDES),
    "anchors": st.sampled_from(["fit", "start", "a/b.txt", "10.txt"])
    | st.lists(st.tuples(_POSITIVE, _POSITIVE), min_size=1, max_size=4).map(tuple),
    "masks": st.none() | st.sampled_from([((1,), (0,)), ((3, 4, 5), (0, 1, 2))]),
    "device": st.sampled_from(["auto", "cpu", "cuda", "cuda:1"]),
    "formats": st.sampled_from([("h5",), ("safetensors", "darknet")]),
    "class_weights": st.none() | st.lists(st.floats(0, 9), min_size=1, max_size=4).map(tuple),
    "multi_scale_min": st.sampled_from([32, 320]),
    "multi_scale_max": st.sampled_from([320, 608]),
    "scale_min": st.floats(0.1, 1),
    "scale_max": st.floats(1, 3),
}


def _strategy(name: str, field: FieldInfo) -> st.SearchStrategy[Any]:
    if name in _SPECIAL:
        return _SPECIAL[name]
    return _of_kind(field.annotation, list(field.metadata))


def _of_kind(kind: Any, limits: list[Any]) -> st.SearchStrategy[Any]:
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, UnionType):
        return st.one_of([_of_kind(each, limits) for each in inside])
    if origin is typing.Annotated:
        return _of_kind(inside[0], [*limits, *getattr(inside[1], "metadata", ())])
    if origin is typing.Literal:
        return st.sampled_from(inside)
    if kind is NoneType:
        return st.none()
    if kind is bool:
        return st.booleans()
    if kind is str:
        return _TEXT
    least = next((each for each in limits if hasattr(each, "ge")), None)
    bounds = {key: getattr(each, key) for each in limits for key in ("ge", "gt", "le", "lt")
              if hasattr(each, key)}  # fmt: skip
    assert least is None or kind in (int, float)
    if kind is int:
        return st.integers(bounds.get("ge", 0), bounds.get("lt", 101) - 1)
    assert kind is float, (kind, limits)
    low, high = bounds.get("ge", bounds.get("gt")), bounds.get("le", bounds.get("lt"))
    return st.floats(
        low, high, exclude_min="gt" in bounds, exclude_max="lt" in bounds,
        allow_nan=False, allow_infinity=False,
    )  # fmt: skip


def _values(section: Section) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        made[name] = (
            st.fixed_dictionaries(_values(value))
            if isinstance(value, Section)
            else _strategy(name, field)
        )
    return made


@st.composite
def configs(draw: st.DrawFn) -> TrainConfig:
    """A configuration without contradictions."""
    values = draw(st.fixed_dictionaries(_values(TrainConfig())))
    try:
        return TrainConfig.model_validate(values)
    except ValidationError as error:
        (found,) = error.errors()
        assert found["loc"] == (), found  # every single value is as its field says
        return TrainConfig(imgsz=values["imgsz"], stage1=values["stage1"] | {"epochs": 1})


def changed(config: TrainConfig) -> dict[str, Any]:
    """The values that are not the defaults, by dotted name."""
    defaults = flat(TrainConfig())
    return {name: value for name, value in flat(config).items() if value != defaults[name]}
