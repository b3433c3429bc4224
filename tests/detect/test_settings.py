"""What settings leave open is decided by the head, in one place."""

from __future__ import annotations

from typing import get_type_hints

import pytest

from headlab.detect.settings import DetectionSettings, Settings
from headlab.errors import InputError
from headlab.families.identify import identify
from headlab.heads.layout import Layout, Level
from yolov3_models import random_model

ANCHOR_FREE = Layout("Detect", "detect", (Level("P3", 8, 1, ()),), ("ant",), False, False)


@pytest.fixture(scope="module")
def yolov3() -> Layout:
    return identify(random_model())


def test_the_nms_threshold_is_each_familys_own(yolov3: Layout) -> None:
    assert not ANCHOR_FREE.has_anchors
    assert yolov3.has_anchors
    assert Settings().for_head(ANCHOR_FREE).iou == 0.7
    assert Settings().for_head(yolov3).iou == 0.45
    for layout in (ANCHOR_FREE, yolov3):
        given = Settings(iou=0.0)
        assert given.for_head(layout) == given, "a given threshold of 0 stays"


def test_deciding_twice_changes_nothing(yolov3: Layout) -> None:
    once = Settings(multi_label=True).for_head(yolov3)
    assert once.for_head(yolov3) == once


def test_what_a_family_has_not_is_refused(yolov3: Layout) -> None:
    with pytest.raises(InputError, match="Detect: multi_label is for heads with anchors"):
        Settings(multi_label=True).for_head(ANCHOR_FREE)
    with pytest.raises(InputError, match="YOLOv3-tiny has no branch without NMS"):
        Settings(end2end=True).for_head(yolov3)


def test_the_keyword_arguments_are_the_settings_apart_from_the_classes() -> None:
    fields = get_type_hints(Settings)
    del fields["classes"]
    assert get_type_hints(DetectionSettings) == fields
    assert DetectionSettings.__total__ is False, "each one may be left out"
