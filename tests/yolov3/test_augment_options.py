"""What augmentation can be asked for."""

from __future__ import annotations

import math

import pytest

from headlab.errors import InputError
from headlab.train.configuration.config import AugmentConfig
from headlab.yolov3.augment.options import AugmentOptions
from headlab.yolov3.augment.pipeline import Augmenter


def test_the_configuration_has_the_same_names_and_defaults() -> None:
    config = AugmentConfig().model_dump()
    rest = {name: config.pop(name) for name in list(config) if name.startswith("multi_scale")}
    assert rest, "these are the loader's business"
    assert AugmentOptions(**config) == AugmentOptions()
    assert list(config) == list(AugmentOptions.__dataclass_fields__)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"jitter": 1.0}, "jitter=1 would make photos 0 px wide"),
        ({"jitter": -0.1}, "jitter=-0.1 is not from 0 to 1"),
        ({"scale_min": 0.0}, "scale_min=0 would"),
        ({"scale_min": 3.0}, "scale_min=3 is larger than scale_max=2"),
        ({"scale_max": math.inf}, "scale_max=inf is not"),
        ({"hflip": 1.5}, "hflip=1.5"),
        ({"vflip": -1.0}, "vflip=-1"),
        ({"hue": 0.6}, "hue=0.6 is not from 0 to 0.5"),
        ({"saturation": 0.9}, "saturation=0.9 is not from 1 to inf"),
        ({"value": math.nan}, "value=nan"),
        ({"min_visible": 1.1}, "min_visible=1.1"),
        ({"mosaic": 2.0}, "mosaic=2"),
    ],
)
def test_values_out_of_range_are_refused(wrong: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        AugmentOptions(**wrong)


@pytest.mark.parametrize("wrong", [{"mosaic": 0.5}, {"vflip": 0.5}])
def test_what_keras_yolo3_does_not_have_is_refused_with_it(wrong: dict) -> None:
    with pytest.raises(InputError, match="keras-yolo3 has neither mosaics nor"):
        Augmenter(AugmentOptions(**wrong), "keras-yolo3")
    Augmenter(AugmentOptions(enabled=False, **wrong), "keras-yolo3")


def test_an_unknown_project_is_refused() -> None:
    with pytest.raises(InputError, match="compat='darknet' is unknown"):
        Augmenter(AugmentOptions(), "darknet")  # type: ignore[arg-type]
