"""What a training shows: lasting lines in a pipe, and above them a live bar on a terminal."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from headlab.train.configuration.config import DataConfig
from headlab.train.watching.progress import Pace, TrainProgress
from headlab.train.watching.text import duration, finished_lines, number
from train_events import epoch, stage_started, started, stepped, training


def shown(*, terminal: bool, resumed: int = 0) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=80, highlight=False, markup=False)
    with TrainProgress(console) as progress:
        for event in training(Path("runs/my run"), resumed):
            progress(event)
    return out.getvalue()


def test_in_a_pipe_are_the_lasting_lines_only() -> None:
    text = shown(terminal=False)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)
    assert text.splitlines() == [
        "yolov3-tiny at 416 x 416 px, 3 classes: ant, 蜂, cat",
        "training on 24 photos, validating on 8 photos",
        "everything goes to runs/my run",
        "Of the start, 3 tensors fit.",
        "",
        "stage 1: 2 epochs of 3 steps, lr 0.001 (constant)",
        "10 of 100 parameters are trained: all but the last convolutions are frozen",
        "stage      epoch       train         val    AP50        lr     time",
        "    1        1/2       300.0       150.0   0.812     0.001    2.0 s  *",
        "    1        2/2       300.0       150.0   0.812     0.001    2.0 s",
        "",
        "stage 2: 2 epochs of 3 steps, lr 0.0001 (constant)",
        "all 100 parameters are trained",
        "stage      epoch       train         val    AP50        lr     time",
        "    2        1/2       300.0       150.0   0.812     0.001    2.0 s  *",
        "    2        2/2       300.0       150.0   0.812     0.001    2.0 s",
        "",
        "done in 2:05",
        "best: epoch 1 of stage 2, val loss 150.0",
        "wrote runs/my run/best.safetensors",
        "next:",
        "  headlab evaluate 'runs/my run/best.safetensors' boxes.txt",
        "  headlab trace 'runs/my run/best.safetensors' PHOTO",
    ]


def test_the_command_to_try_next_reads_the_data_as_the_training_did() -> None:
    *_, finished = training(Path("run"))
    data = DataConfig(train="boxes.json", val_split="val", names="the names.txt", images="jpg")
    said = [line for line in finished_lines(finished, data) if "evaluate" in line]
    options = "--split val --data-names 'the names.txt' --images jpg"
    assert said == [f"  headlab evaluate run/best.safetensors boxes.json {options}"]


def test_a_training_that_goes_on_says_so() -> None:
    text = shown(terminal=False, resumed=3)
    assert "resuming after 3 epochs\n" in text
    assert "stage 1:" not in text
    assert "1/2" not in text


def test_on_a_terminal_a_live_bar_goes_with_them() -> None:
    text = shown(terminal=True)
    assert "\x1b[?25l" in text  # the cursor is hidden
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # and comes back
    assert "stage 1, epoch 1/2" in text
    assert "loss 300.0  xy 30.00  wh 60.00  confidence 90.00  class 120.0" in text
    for line in shown(terminal=False).splitlines():
        assert line in text


def test_the_bar_vanishes_when_something_goes_wrong() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=80)
    progress = TrainProgress(console)
    for event in (started(), stage_started(1), stepped(1, 1, 1)):
        progress(event)
    assert "\x1b[?25h" not in out.getvalue()
    progress.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert out.getvalue().rindex("\x1b[?25h") > out.getvalue().rindex("\x1b[?25l")


def epoch_text(**values: object) -> str:
    out = io.StringIO()
    with TrainProgress(Console(file=out, width=80)) as progress:
        progress(started())
        progress(stage_started(1))
        progress(epoch(1, 2, **values))  # type: ignore[arg-type]
    return out.getvalue()


def test_photos_that_could_not_be_read_are_named_but_not_by_the_hundred() -> None:
    skipped = {f"{at}.jpg": "truncated" for at in range(8)}
    lines = epoch_text(skipped=skipped).splitlines()[-6:]
    assert [line.strip() for line in lines] == [
        *(f"skipped {at}.jpg: truncated" for at in range(5)),
        "skipped 3 more photos",
    ]
    assert "more" not in epoch_text(skipped={"a.jpg": "truncated"})


def test_names_from_files_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in epoch_text(skipped={"\x1b[2J.jpg": "cut off"})


def test_lost_boxes_are_counted() -> None:
    truths = {"truths": 1234, "assigned": 1226, "moved": 3, "lost": 7, "skipped": 1}
    text = epoch_text(truths=truths)
    assert "7 of 1,234 boxes found no free slot" in text
    assert "1 of 1,234 boxes have no area" in text
    assert "boxes" not in epoch_text().split("time")[1]


def test_without_validation_the_row_has_dashes() -> None:
    last = epoch_text(figures={}, validated=False).splitlines()[-1]
    assert last.split() == ["1", "2/2", "300.0", "-", "-", "0.001", "2.0", "s"]


def test_pace() -> None:
    pace = Pace(photos=8)
    pace.begin(stage_started(1))  # 2 epochs of 3 steps
    pace.step(stepped(1, 1, 1))  # 0.5 s a step, 0.1 s of it waiting
    assert pace.photos_per_s == pytest.approx(8 / 0.5)
    assert pace.data_share == pytest.approx(0.1 / 0.5)
    assert pace.stage_left_s(stepped(1, 1, 1)) == pytest.approx(0.5 * 5)
    pace.epoch(epoch(1, 1))  # took 2 s, 0.5 s more than its 3 steps
    pace.step(stepped(1, 2, 1))
    assert pace.stage_left_s(stepped(1, 2, 1)) == pytest.approx(0.5 * 2 + 0.5)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.3456, "12.35"), (0.81234, "0.8123"), (1234.5, "1234"), (12345.6, "12346"),
        (3e7, "3.000e+07"), (1e-5, "1.000e-05"), (0.0, "0.0000"), (float("nan"), "nan"),
    ],
)  # fmt: skip
def test_numbers_have_four_digits(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(8.26, "8.3 s"), (59.94, "59.9 s"), (59.96, "1:00"), (125, "2:05"), (3725, "1:02:05")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
