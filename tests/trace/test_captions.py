"""What is written on a picture: every detection is named, legibly, and nothing covers anything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headlab.results.fonts import draws, line_height
from headlab.results.pictures.labels import MOST_HIDDEN, Rect, overlap
from headlab.results.style import BUSY, CROWD, SMALLEST_FONT_PX, style_for
from headlab.trace.captions import MOST_LISTED, Captions, captions, list_entry
from traced_rows import detection

PHOTO = (640, 480)
FONT_PX = 13


def spread(
    count: int, size_px: int, photo: tuple[int, int] = PHOTO, seed: int = 3
) -> list[dict[str, Any]]:
    """Detections of one size in random places, numbered in the order of their scores."""
    draw = np.random.default_rng(seed)
    found = []
    for number in range(count):
        x, y = draw.uniform(0, photo[0] - size_px), draw.uniform(0, photo[1] - size_px)
        box = (x, y, x + size_px, y + size_px)
        level = str(draw.choice(["P3", "P4", "P5"]))
        row = detection(box, level, detection=number, score=1 - number / 1000)
        found.append(row)
    return found


def box_of(row: dict[str, Any]) -> Rect:
    return round(row["x1"]), round(row["y1"]), round(row["x2"]), round(row["y2"])


def written(rows: list[dict[str, Any]], field: tuple[int, int] = PHOTO, **options: Any) -> Captions:
    return captions(rows, [box_of(row) for row in rows], [], field, FONT_PX, **options)


def texts(captions: Captions) -> dict[int, str]:
    return {label.at: label.line.text for label in captions.labels}


CROWDS = [(1, 200), (8, 100), (9, 60), (60, 30), (60, 8), (60, 200), (300, 25), (300, 300)]


@pytest.mark.parametrize(("count", "size_px"), CROWDS)
def test_every_detection_is_named(count: int, size_px: int) -> None:
    rows = spread(count, size_px)
    done = written(rows)
    shown = texts(done)
    for at, row in enumerate(rows):
        if at in done.listed:
            assert shown.get(at, str(row["detection"])) == str(row["detection"])
            assert list_entry(row, FONT_PX).tag == str(row["detection"])
            assert list_entry(row, FONT_PX).text.startswith("bird 0.")
        else:
            assert shown[at].startswith("bird"), "a number without a list would say nothing"
    assert done.unnamed == 0


@pytest.mark.parametrize(("count", "size_px"), CROWDS)
def test_labels_cover_neither_each_other_nor_leave_the_field(count: int, size_px: int) -> None:
    rects = [label.placed.rect for label in written(spread(count, size_px)).labels]
    for at, (x1, y1, x2, y2) in enumerate(rects):
        assert 0 <= x1 < x2 <= PHOTO[0]
        assert 0 <= y1 < y2 <= PHOTO[1]
        assert y2 - y1 >= line_height(FONT_PX)
        assert not any(overlap((x1, y1, x2, y2), other) for other in rects[:at])


@pytest.mark.parametrize(("count", "size_px"), [(60, 30), (60, 8), (60, 200)])
def test_names_hide_no_object(count: int, size_px: int) -> None:
    rows = spread(count, size_px)
    done = written(rows)
    names = [label.placed.rect for label in done.labels if label.at not in done.listed]
    assert names
    for row in rows:
        box = box_of(row)
        hidden = sum(overlap(rect, box) for rect in names)
        assert hidden <= MOST_HIDDEN * (box[2] - box[0]) * (box[3] - box[1]) + 1e-6


def test_a_label_is_wide_enough_for_its_text() -> None:
    for label in written(spread(60, 30)).labels:
        x1, _, x2, _ = label.placed.rect
        assert x2 - x1 > label.line.width_px


@pytest.mark.parametrize(
    ("count", "size_px", "addressed"),
    [
        (1, 40, True),
        (BUSY, 40, True),
        (BUSY + 1, 40, False),
        (BUSY + 1, 90, True),
        (CROWD + 1, 90, False),
    ],
)
def test_labels_tell_the_address_where_there_is_room(
    count: int, size_px: int, addressed: bool
) -> None:
    """The whole label, "bird 0.99 P4 (0,0)", is about 125 px wide."""
    shown = texts(written(spread(count, size_px)))
    assert any("P" in text for text in shown.values()) == addressed


def test_the_best_scores_choose_first() -> None:
    """Of 40 boxes on one spot the best one has its whole label, the last one a number."""
    rows = [detection((300, 200, 380, 280), detection=at, score=1 - at / 100) for at in range(40)]
    done = written(rows)
    assert texts(done)[0] == "bird 1.00"
    assert 39 in done.listed
    assert list(done.listed) == sorted(done.listed)


def test_a_list_has_an_end() -> None:
    rows = [detection((300, 200, 304, 204), detection=at) for at in range(MOST_LISTED + 100)]
    done = written(rows)
    named = set(texts(done)) | set(done.listed)
    assert len(done.listed) == MOST_LISTED
    assert done.unnamed == len(rows) - len(named) > 0
    assert all(at in done.listed for at, text in texts(done).items() if not text.startswith("bird"))


def test_without_a_list_there_are_no_numbers() -> None:
    done = written(spread(300, 60), with_list=False)
    assert done.listed == ()
    assert all(text.startswith("bird") for text in texts(done).values())
    assert done.unnamed == 300 - len(done.labels) > 0


@pytest.mark.parametrize("photo", [(320, 212), (4000, 3000), (640, 480), (30, 4000), (4000, 1)])
@pytest.mark.parametrize("count", [1, 9, 60, 300])
def test_letters_are_never_small(photo: tuple[int, int], count: int) -> None:
    """The letters of a large photo are as large as 9 px or more once it is 1000 px wide on a screen."""
    font_px = style_for(photo, count).font_px
    assert font_px >= SMALLEST_FONT_PX >= 11
    assert line_height(font_px) >= 14
    if min(photo) > 100:
        assert font_px * 1000 / max(photo) >= 9


def test_a_long_name_is_cut_and_a_rare_one_escaped() -> None:
    name = "an animal whose name goes on and on and on and on, further than any label"
    (label,) = written([detection((10, 100, 600, 400), class_name=name)]).labels
    assert "…" in label.line.text
    assert label.line.text.endswith("0.83 P4 (0,0)")
    (label,) = written([detection((10, 100, 600, 400), class_name="새")]).labels
    assert label.line.text == "\\uc0c8 0.83 P4 (0,0)"
    assert draws("鳥")
    (label,) = written([detection((10, 100, 600, 400), class_name="鳥")]).labels
    assert label.line.text == "鳥 0.83 P4 (0,0)"


def test_nothing_is_written_about_nothing() -> None:
    assert written([]) == Captions(())
