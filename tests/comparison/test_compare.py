from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from headlab.checkpoint.checkpoint import Checkpoint
from headlab.comparison.compare import Comparison, compare
from headlab.detect.settings import Settings
from headlab.errors import InputError, UnknownName
from headlab.families.identify import identify
from headlab.families.network import runnable
from headlab.families.read import read
from headlab.heads.layout import ClassRows, Layout, Level
from headlab.trace.trace import Trace, trace

Small = Callable[..., Path]

NAMES = ("ant", "bee", "cat", "dog")
LAYOUT = Layout(
    "Detect",
    "detect",
    tuple(Level(f"P{n}", 2**n, 1, (ClassRows("one2many", "w", "b", 0, 4),)) for n in (3, 4, 5)),
    NAMES,
    end_to_end=False,
    rotated=False,
)


SLOTTED = Layout(
    "YOLOv3-tiny",
    "detect",
    tuple(Level(f"P{n}", 2**n, 3, (ClassRows("one2many", "w", "b", 5, 9),)) for n in (4, 5)),
    NAMES,
    end_to_end=False,
    rotated=False,
)


def _made(
    *rows: tuple[int, float, str, tuple[float, float, float, float]], layout: Layout = LAYOUT
) -> Trace:
    """A trace of one image: class number, score, level or place, box."""
    columns: list[dict[str, Any]] = [
        {
            "image": "a.png",
            "frame": None,
            "detection": at,
            "class_id": class_id,
            "class_name": NAMES[class_id],
            "score": score,
            **dict(zip(("x1", "y1", "x2", "y2"), box, strict=True)),
            "level": level[:2],
            "row": 0,
            "col": 0,
            "slot": int(level[3:] or 0),
        }
        for at, (class_id, score, level, box) in enumerate(rows)
    ]
    sizes = dict.fromkeys(("width_px", "height_px", "input_width_px", "input_height_px"), 100)
    image = {"image": "a.png", "frame": None, **sizes, "detections": len(rows)}
    images = pl.DataFrame([image], schema_overrides={"frame": pl.Int64})
    schema = {"image": pl.String, "frame": pl.Int64}
    table = pl.DataFrame(columns, schema_overrides=schema) if rows else pl.DataFrame(schema=schema)
    return Trace(layout, Settings(), table, images, ())


def _kinds(comparison: Comparison) -> list[tuple[Any, ...]]:
    return comparison.pairs.select("kind", "before_class_name", "after_class_name").rows()


A, B, C = (0.0, 0.0, 10.0, 10.0), (50.0, 0.0, 60.0, 10.0), (0.0, 50.0, 10.0, 60.0)
A_MOVED = (2.0, 0.0, 12.0, 10.0)  # IoU with A: 80 / 120 = 0.667
A_HALF = (0.0, 0.0, 10.0, 4.0)  # IoU with A: 40 / 100 = 0.4


@pytest.mark.parametrize(
    ("score", "box", "kind"),
    [
        (0.93, A, "unchanged"),
        (0.9305, A, "unchanged"),
        (0.75, A, "score changed"),
        (0.94, A, "score changed"),
        (0.75, A_MOVED, "score changed"),
        (0.93, A_MOVED, "box moved"),
        (0.93, (0.05, 0.0, 10.0, 10.0), "unchanged"),  # IoU with A: 99.5 / 100
    ],
)
def test_a_changed_score_or_box_is_not_unchanged(
    score: float, box: tuple[float, ...], kind: str
) -> None:
    done = compare(_made((0, 0.93, "P3", A)), _made((0, score, "P3", box)))
    assert done.pairs["kind"].to_list() == [kind]
    assert done.counts[kind] == 1
    assert f"1 {kind}" in done.summary
    assert done[0].counts == done.counts
    assert done.to_dict()["counts"] == done.counts


def test_scores_that_changed_still_tell_the_level() -> None:
    done = compare(_made((0, 0.93, "P3", A)), _made((0, 0.75, "P3", A)), shifts={"P4": 1})
    assert done.pairs["inferred_level"].to_list() == ["P3/P5"]


def test_the_text_says_by_how_much_scores_changed() -> None:
    before = _made((0, 0.93, "P3", A), (1, 0.5, "P4", B), (2, 0.5, "P4", C))
    after = _made((0, 0.75, "P3", A), (1, 0.52, "P4", B), (2, 0.5, "P4", C))
    lines = [" ".join(line.split()) for line in str(compare(before, after)).splitlines()]
    assert "2 score changed the same class, another score (-0.180 to +0.020)" in lines


def test_the_kinds() -> None:
    before = _made((0, 0.9, "P3", A), (1, 0.8, "P4", B), (2, 0.7, "P5", C))
    after = _made((0, 0.9, "P3", A), (2, 0.8, "P4", B), (3, 0.5, "P3", (90.0, 90.0, 99.0, 99.0)))
    done = compare(before, after)
    assert _kinds(done) == [
        ("unchanged", "ant", "ant"),
        ("class changed", "bee", "cat"),
        ("lost", "cat", None),
        ("new", None, "dog"),
    ]
    assert {kind: count for kind, count in done.counts.items() if count} == {
        "unchanged": 1, "class changed": 1, "lost": 1, "new": 1
    }  # fmt: skip
    assert done.pairs["iou"].to_list() == [1.0, 1.0, None, None]


def test_the_larger_overlap_wins_over_the_class_and_the_score() -> None:
    before = _made((0, 0.9, "P3", A))
    after = _made((0, 0.99, "P4", A_MOVED), (1, 0.3, "P3", A))
    assert _kinds(compare(before, after)) == [("class changed", "ant", "bee"), ("new", None, "ant")]


def test_a_tie_goes_to_the_same_class() -> None:
    before = _made((1, 0.9, "P3", A))
    after = _made((0, 0.9, "P3", A), (1, 0.2, "P3", A))
    kinds = [("score changed", "bee", "bee"), ("new", None, "ant")]
    assert _kinds(compare(before, after)) == kinds


def test_boxes_that_overlap_less_are_not_matched() -> None:
    before, after = _made((0, 0.9, "P3", A)), _made((0, 0.9, "P3", A_HALF))
    assert compare(before, after).counts["lost"] == 1
    assert compare(before, after, match_iou=0.4).counts["box moved"] == 1
    moved = compare(before, _made((0, 0.9, "P3", A_MOVED)))
    assert moved.pairs["iou"].to_list() == pytest.approx([80 / 120])


def test_inference_by_hand() -> None:
    """Shifts 0, 1, 2 of four classes: +1 points to P4, +2 to P5, +3 to no level."""
    before = _made((0, 0.9, "P3", A), (3, 0.9, "P4", B), (1, 0.9, "P5", C))
    after = _made((3, 0.9, "P3", A), (0, 0.9, "P4", B), (2, 0.9, "P5", C))
    done = compare(before, after, shifts={"P4": 1, "p5": 2})
    assert done.pairs.select("inferred_level", "agrees").rows() == [
        (None, False),  # ant -> dog is +3
        ("P4", True),  # dog -> ant is +1, round the end
        ("P4", False),  # bee -> cat is +1, but the address says P5
    ]
    assert done.inference == (1, 3)


def test_equal_shifts_leave_the_level_open() -> None:
    before, after = _made((0, 0.9, "P4", A)), _made((1, 0.9, "P4", A))
    done = compare(before, after, shifts={"P4": 1, "P5": 5})
    assert done.pairs.select("inferred_level", "agrees").rows() == [("P4/P5", False)]


INFERRED = ("inferred_level", "inferred_slot", "agrees")


def test_without_differing_slots_no_slot_is_inferred() -> None:
    done = compare(_made((0, 0.9, "P4", A)), _made((1, 0.9, "P4", A)), shifts={"P4": 1})
    assert done.pairs.select(INFERRED).rows() == [("P4", None, True)]
    assert not done.tells_slots
    before = _made((0, 0.9, "P4/2", A), layout=SLOTTED)
    after = _made((1, 0.9, "P4/2", A), layout=SLOTTED)
    for shifts in ({"P4": 1}, {"P4/0": 1, "P4/1": 1, "P4/2": 5}):  # 5 is 1 of four classes
        done = compare(before, after, shifts=shifts)
        assert done.pairs.select(INFERRED).rows() == [("P4", None, True)]


def test_slots_are_inferred_by_hand() -> None:
    """P5/1 shifted by 1, P5/2 by 2, P4/0 by 3 of four classes: +0 is left for three places."""
    before = _made(
        (0, 0.9, "P5/2", A),
        (3, 0.9, "P5/1", B),
        (1, 0.9, "P5/1", C),
        (2, 0.9, "P4/1", (90.0, 0.0, 99.0, 9.0)),
        (0, 0.9, "P4/0", (90.0, 90.0, 99.0, 99.0)),
        layout=SLOTTED,
    )
    after = _made(
        (2, 0.9, "P5/2", A),
        (0, 0.9, "P5/1", B),
        (3, 0.9, "P5/1", C),
        (2, 0.9, "P4/1", (90.0, 0.0, 99.0, 9.0)),
        (3, 0.9, "P4/0", (90.0, 90.0, 99.0, 99.0)),
        layout=SLOTTED,
    )
    done = compare(before, after, shifts={"P5/1": 1, "p5/2": 2, "P4/0": 3})
    assert done.tells_slots
    assert done.pairs.select(INFERRED).rows() == [
        ("P5", 2, True),
        ("P5", 1, True),  # dog -> ant is +1, round the end
        ("P5", 2, False),  # bee -> dog is +2, but the address says slot 1
        ("P4/P5", None, False),  # +0: P4/1, P4/2 and P5/0
        ("P4", 0, True),
    ]
    assert done.inference == (3, 5)


def test_one_level_with_several_slots_of_equal_shift_stays_open() -> None:
    before = _made((0, 0.9, "P4/1", A), layout=SLOTTED)
    after = _made((1, 0.9, "P4/1", A), layout=SLOTTED)
    done = compare(before, after, shifts={"P4": 1, "P5/2": 3})
    assert done.pairs.select(INFERRED).rows() == [("P4", None, False)]


def test_models_of_other_classes_or_heads_are_matched_without_inference() -> None:
    before = _made((0, 0.9, "P3", A), (1, 0.9, "P4", B))
    after = _made((0, 0.9, "P5/2", A), layout=replace(SLOTTED, class_names=("ant", "wolf")))
    done = compare(before, after)
    assert _kinds(done) == [("unchanged", "ant", "ant"), ("lost", "bee", None)]
    assert "agrees" not in done.pairs.columns
    with pytest.raises(InputError, match="have different classes"):
        compare(before, after, shifts={"P4": 1})


def test_unmatched_detections_infer_nothing() -> None:
    done = compare(_made(), _made((1, 0.9, "P4", A)), shifts={"P4": 1})
    assert done.pairs.select("kind", "inferred_level", "agrees").rows() == [("new", None, None)]
    assert done.inference == (0, 0)


def test_class_filter_is_by_the_first_model() -> None:
    before = _made((0, 0.9, "P3", A), (1, 0.9, "P4", B))
    after = _made((1, 0.9, "P3", A), (0, 0.9, "P4", B), (0, 0.9, "P5", C))
    kept = compare(before, after, classes=("ant",))
    assert _kinds(kept) == [("class changed", "ant", "bee"), ("new", None, "ant")]


def test_unknown_level_and_other_images_are_refused() -> None:
    with pytest.raises(UnknownName, match="no level 'P7'"):
        compare(_made(), _made(), shifts={"P7": 1})
    with pytest.raises(InputError, match="P4 has no slot 1"):
        compare(_made(), _made(), shifts={"P4/1": 1})
    other = Trace(LAYOUT, Settings(), _made().detections, _made().images.clear(), ())
    with pytest.raises(InputError, match="not over the same images"):
        compare(_made(), other)
    with pytest.raises(InputError, match="match_iou is nan"):
        compare(_made(), _made(), match_iou=float("nan"))
    with pytest.raises(InputError, match="not known"):
        _ = compare(_made(), _made()).inference


def _shifted(checkpoint: Checkpoint, by: dict[str, int]) -> Checkpoint:
    layout = identify(checkpoint)
    arrays = {
        name: np.roll(checkpoint.array(name), by.get(level.name, 0), axis=0)
        for level in layout.levels
        for rows in level.class_rows
        for name in (rows.weight, rows.bias)
    }
    return checkpoint.edited(arrays)


def test_the_class_shift_experiment_on_real_photos(yolov8n: Path, shared: Path) -> None:
    """Every matched pair tells its level; the extra boxes are there too, and none is lost."""
    photos = sorted((shared / "coco128" / "images" / "train2017").iterdir())[:24]
    original = read(yolov8n)
    shifted = _shifted(original, {"P4": 1, "P5": 5})
    layout = identify(original)
    before, after = (trace(runnable(each), layout, photos) for each in (original, shifted))
    done = compare(before, after, shifts={"P4": 1, "P5": 5})
    right, of = done.inference
    assert right == of == before.detections.height > 100
    assert done.counts["lost"] == 0
    assert done.counts["new"] > 0
    new = done.pairs.filter(pl.col("kind") == "new")
    assert new["after_level"].is_in(["P3", "P4", "P5"]).all()


def test_one_box_of_two_classes_follows_its_scores_through_a_shift() -> None:
    """With `multi_label`; shift 1 makes ant 0.9 bee 0.9, and bee 0.6 cat 0.6, of one candidate."""
    before = _made((0, 0.9, "P3", A), (1, 0.6, "P3", A))
    after = _made((1, 0.9, "P3", A), (2, 0.6, "P3", A))
    done = compare(before, after, shifts={"P3": 1, "P4": 0, "P5": 2})
    assert _kinds(done) == [("class changed", "ant", "bee"), ("class changed", "bee", "cat")]
    assert done.pairs["agrees"].to_list() == [True, True]
    assert _kinds(compare(before, after)) == [  # where nothing is known, the class counts
        ("class changed", "ant", "cat"),
        ("score changed", "bee", "bee"),
    ]


def test_models_that_resize_photos_differently_are_told() -> None:
    before = _made((0, 0.9, "P3", A))
    stretched = replace(before, settings=Settings(resize="stretch"))
    letterboxed = replace(before, settings=Settings(resize="letterbox"))
    text = str(compare(letterboxed, stretched))
    assert "photos are resized by letterbox, the second's by stretch" in text
    assert "resized" not in str(compare(stretched, stretched))
