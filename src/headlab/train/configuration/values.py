"""The types of a configuration's values, and how they are read from text.

Numbers are separated by commas, and groups of numbers by slashes: "320,608", "10,14/23,27".
"""

from __future__ import annotations

import os
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Factor = Annotated[float, Field(ge=1, allow_inf_nan=False)]

Variant = Literal["yolov3", "yolov3-spp", "yolov3-tiny"]
Freeze = Literal["heads-only", "backbone", "none"]
FreezeChoice = Literal["auto", "heads-only", "backbone", "none"]
Schedule = Literal["constant", "plateau", "cosine"]
BoxTerms = Literal["xywh", "giou", "ciou"]
IgnoreTruths = Literal["image", "level"]
Monitor = Literal["loss", "AP", "AP50"]
Compat = Literal["keras-yolo3"]
Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
AnnotationFormat = Literal["keras", "yolo", "voc", "coco", "csv"]
WeightFormat = Literal["safetensors", "darknet", "h5"]


def _pair(value: Any) -> Any:
    """One number as two, and text such as "320,608" as numbers."""
    value = _listed(value)
    if isinstance(value, (list, tuple)):
        return tuple(value) * 2 if len(value) == 1 else value
    return (value, value)


def _listed(value: Any) -> Any:
    """Text such as "1,2.5" as its parts."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _groups(value: Any) -> Any:
    """Text such as "3,4,5/0,1,2" as groups of parts."""
    return [_listed(part) for part in value.split("/")] if isinstance(value, str) else value


def _anchors(value: Any) -> Any:
    """Text such as "10,14/23,27" or "10,14 23,27", and numbers without groups, as pairs."""
    value = _path_text(value)
    if isinstance(value, str):
        numbers = _numbers(value)
        if len(numbers) < 2:
            return value
        value = numbers
    if isinstance(value, (list, tuple)) and all(isinstance(side, (int, float)) for side in value):
        if not value or len(value) % 2:
            raise ValueError(f"{len(value)} numbers are not pairs of width and height")
        return [tuple(value[at : at + 2]) for at in range(0, len(value), 2)]
    return value


def _unique(value: Any) -> Any:
    """Text such as "h5,darknet" as its parts, without duplicates."""
    parts = _listed(value)
    return list(dict.fromkeys(map(str, parts))) if isinstance(parts, (list, tuple)) else parts


def _numbers(text: str) -> list[float]:
    """The numbers in a text; none if it holds anything else."""
    try:
        return [float(part) for part in text.replace("/", " ").replace(",", " ").split()]
    except ValueError:
        return []


def _path_text(value: Any) -> Any:
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _device_text(value: Any) -> Any:
    """A GPU's number, which ultralytics takes as well, as cuda:N."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    text = str(value) if is_number else value
    if isinstance(text, str):
        text = text.strip().lower()
    return f"cuda:{text}" if isinstance(text, str) and text.isdecimal() else text


def _known_device(value: str) -> str:
    numbers = re.findall(r"\d+", value)
    if "," in value and re.fullmatch(r"(cuda:)?[\d,\s]+", value):
        raise ValueError(
            f"{value!r} names {len(numbers)} GPUs; say device cuda and devices {len(numbers)}, and choose "
            "them with CUDA_VISIBLE_DEVICES"
        )
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", value):
        raise ValueError(
            f"{value!r} is not auto, cpu, cuda, or one GPU such as cuda:0 (devices says how many)"
        )
    return value


LARGEST_SIDE_PX = 65_536
"""The largest side of an input; memory allows far less."""

PathText = Annotated[str, BeforeValidator(_path_text)]
"""A path, as text."""

Device = Annotated[str, BeforeValidator(_device_text), AfterValidator(_known_device)]
"""auto, cpu, cuda (the first GPUs, as many as `devices` says), or one GPU such as cuda:0."""

Size = Annotated[tuple[int, int], BeforeValidator(_pair)]
"""Height and width in pixels; one number stands for both."""

_SidePx = Annotated[float, Field(gt=0, le=1_000_000)]
Anchors = Annotated[str | tuple[tuple[_SidePx, _SidePx], ...], BeforeValidator(_anchors)]
Masks = Annotated[tuple[tuple[Annotated[int, Field(ge=0)], ...], ...], BeforeValidator(_groups)]
Weights = Annotated[tuple[NotNegative, ...], BeforeValidator(_listed)]
Formats = Annotated[
    tuple[WeightFormat, ...],
    Field(min_length=1),
    BeforeValidator(_unique),
]
