"""cfgs to write: new ones, and the user's own with other classes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from headlab.checkpoint.yolov3.architecture import LEVELS
from headlab.checkpoint.yolov3.darknet.cfg import description_of
from headlab.checkpoint.yolov3.darknet.cfg_text import cfg_text, with_classes
from headlab.checkpoint.yolov3.darknet.sections import sections_of
from headlab.checkpoint.yolov3.description import Description
from yolov3_models import description

CFG = Path("net.cfg")
TINY = cfg_text(description())


def read(text: str, class_names: tuple[str, ...]) -> Description:
    return description_of(sections_of(text.encode("utf-8"), CFG), class_names, CFG)


def test_near_layers_are_named_by_their_distance_as_in_darknets_own_files(shared: Path) -> None:
    ours = description(class_names=tuple(map(str, range(80))), input_hw_px=(416, 416))
    ours = replace(ours, masks=((3, 4, 5), (0, 1, 2)))
    official = sections_of((shared / "weights" / "yolov3-tiny.cfg").read_bytes(), CFG)
    written = sections_of(cfg_text(ours).encode("utf-8"), CFG)
    # The official file is set up for testing: one photo at a time, instead of a training's batches.
    differing = {"batch", "subdivisions"}
    for mine, its in zip(written, official, strict=True):
        assert mine.kind == its.kind
        values = [{k: v.text for k, v in each.values.items()} for each in (mine, its)]
        assert {k for k in values[0] if values[0][k] != values[1].get(k)} <= differing
        assert set(values[1]) == set(values[0])


def test_the_routes_of_spp_are_written_as_in_darknets_own_file() -> None:
    lines = cfg_text(description("yolov3-spp")).splitlines()
    assert [each.removeprefix("layers=") for each in lines if each.startswith("layers=")] == [
        *("-2", "-4", "-1,-3,-5,-6"),  # the pyramid: beside 13, 9 and 5 cells, the features
        *("-4", "-1,61", "-4", "-1,36"),
    ]


@pytest.mark.parametrize("variant", LEVELS)
@pytest.mark.parametrize("names", [("ant",), ("ant", "bee"), tuple(map(str, range(80)))])
def test_a_written_cfg_reads_back_the_same(variant: str, names: tuple[str, ...]) -> None:
    described = description(variant, names, input_hw_px=(608, 320))
    assert read(cfg_text(described), names) == described


@pytest.mark.parametrize(
    ("variant", "masks"),
    [
        ("yolov3", ((8,), (3, 4, 5, 6), (0, 1))),
        ("yolov3-spp", ((0, 1, 2, 3, 4, 5, 6, 7, 8), (2,), (2,))),
        ("yolov3-tiny", ((4, 5), (1,))),
    ],
)
def test_any_slots_read_back_the_same(variant: str, masks: tuple[tuple[int, ...], ...]) -> None:
    anchors = ((10.5, 14.25), (1 / 3, 23), *((n, 2 * n) for n in range(3, 10)))
    described = replace(description(variant), anchors_wh_px=anchors, masks=masks)
    assert read(cfg_text(described), described.class_names) == described


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_other_classes_change_nothing_else_of_the_users_cfg(ends: str) -> None:
    spaced = TINY.replace("filters=24", "filters =  2 4  # 出力").replace(
        "classes=3", "classes= 3 ;"
    )
    data = (f"# 学習\n{spaced}").replace("\n", ends).encode("cp932")
    one = replace(description(), class_names=("ant",))
    found = with_classes(data, sections_of(data, CFG), one)
    expected = spaced.replace("2 4  # 出力", "18  # 出力").replace(
        "= 3 ;", "= 1 ;"
    )  # 3 × (5 + 1) = 18
    assert found == (f"# 学習\n{expected}").replace("\n", ends).encode("cp932")
    assert description_of(sections_of(found, CFG), ("ant",), CFG) == one
