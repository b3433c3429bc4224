"""What settings leave open is decided by the head, in one place."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest

from headlab.detect.settings import DetectionSettings, Settings
from headlab.errors import InputError, UnknownName
from headlab.families.identify import identify
from headlab.families.network import runnable
from headlab.families.read import read
from headlab.families.yolov3.head import layout_of
from headlab.heads import input_pixels
from headlab.heads.layout import Layout
from yolov3_models import random_model


@pytest.fixture(scope="module")
def yolov3() -> Layout:
    return identify(random_model())


@pytest.fixture
def ultralytics(small: Callable[..., Path]) -> Layout:
    return identify(read(small("yolov8")))


def test_the_nms_threshold_is_each_familys_own(yolov3: Layout, ultralytics: Layout) -> None:
    assert Settings().for_head(ultralytics).iou == 0.7
    assert Settings().for_head(yolov3).iou == 0.45
    for layout in (ultralytics, yolov3):
        given = Settings(iou=0.0)
        assert given.for_head(layout).iou == 0.0, "a given threshold of 0 stays"


def test_photos_are_letterboxed_unless_the_cfg_or_the_user_says_otherwise(
    yolov3: Layout, ultralytics: Layout
) -> None:
    said = {
        says: layout_of(replace(random_model().description, letter_box=says))
        for says in (None, True, False)
    }
    usual = {says: Settings().for_head(layout).resize for says, layout in said.items()}
    assert usual == {None: "letterbox", True: "letterbox", False: "stretch"}
    assert Settings(resize="letterbox").for_head(said[False]).resize == "letterbox"
    assert Settings(resize="stretch").for_head(yolov3).resize == "stretch"
    assert Settings(resize="letterbox").for_head(ultralytics).resize == "letterbox"
    with pytest.raises(InputError, match=r"Detect: photos are letterboxed, as YOLO\.predict does"):
        Settings(resize="stretch").for_head(ultralytics)
    with pytest.raises(UnknownName, match="no way to resize 'crop'"):
        Settings(resize="crop")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        0,
        -32,
        (0, 416),
        (416, -1),
        True,
        416.0,
        "416",
        (416,),
        (1, 2, 3),
        (),
        math.nan,
        np.float64(9),
    ],
)
def test_a_size_that_is_none_is_refused(wrong: object) -> None:
    with pytest.raises(InputError, match=r"imgsz is .*; positive pixels were expected"):
        Settings(imgsz=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("large", [100_000, (32, 32_769), 2**1000])
def test_a_size_that_no_machine_holds_is_refused(large: Any) -> None:
    with pytest.raises(InputError, match="at most 32768 px are allowed"):
        Settings(imgsz=large)


def test_numpy_numbers_and_lists_are_sizes() -> None:
    assert Settings(imgsz=np.int64(416)).imgsz == 416  # type: ignore[arg-type]
    assert Settings(imgsz=[320, np.int32(608)]).imgsz == (320, 608)  # type: ignore[arg-type]


def test_an_input_larger_than_the_memory_is_refused(
    yolov3: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """4096 x 4096 px with the 128 bytes of the first feature maps each are 2 GiB."""
    monkeypatch.setattr(input_pixels, "_memory_bytes", lambda: 2**30)
    with pytest.raises(InputError, match="more than 2 GiB of memory; this machine has 1 GiB"):
        runnable(random_model()).detector(Settings(imgsz=4096))
    input_pixels.check_memory((2048, 2048), 128)


def test_deciding_twice_changes_nothing(yolov3: Layout) -> None:
    once = Settings(multi_label=True).for_head(yolov3)
    assert once.for_head(yolov3) == once


def test_what_a_family_has_not_is_refused(yolov3: Layout, ultralytics: Layout) -> None:
    with pytest.raises(InputError, match="Detect: multi_label is for heads with anchors"):
        Settings(multi_label=True).for_head(ultralytics)
    with pytest.raises(InputError, match="YOLOv3-tiny has no branch without NMS"):
        Settings(end2end=True).for_head(yolov3)


def test_the_keyword_arguments_are_the_settings_apart_from_the_classes() -> None:
    fields = get_type_hints(Settings)
    del fields["classes"]
    assert get_type_hints(DetectionSettings) == fields
    assert DetectionSettings.__total__ is False, "each one may be left out"
