"""metrics.csv and steps.csv: everything in them, and nothing lost by an interruption or a full disk."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from full_disk import files_up_to
from headlab.errors import OutputError
from headlab.train.events import Event, Watcher
from headlab.train.run_folder import METRICS, STEPS
from headlab.train.watching.logs import MetricsLog, StepsLog
from train_events import CLASSES, epoch, stage_started, started, stepped, training


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def feed(watcher: Watcher, events: Iterator[Event]) -> None:
    for event in events:
        watcher(event)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "train"


def test_an_epoch_is_a_row_with_everything(folder: Path) -> None:
    feed(MetricsLog(folder), training(folder))
    found = rows(folder / METRICS)
    assert [(row["stage"], row["epoch"], row["global_step"]) for row in found] == [
        *(("1", "1", "3"), ("1", "2", "6"), ("2", "1", "9"), ("2", "2", "12"))
    ]
    first = found[0]
    # Level l, term t and class c hold l * t * c: see train_events.terms.
    assert float(first["train/loss"]) == 300
    assert float(first["val/loss"]) == 150
    assert float(first["train/wh"]) == 2 * 3 * 10  # (1 + 2) levels, (1 + 2 + 3 + 4) classes
    assert float(first["train/P4/wh"]) == 2 * 2 * 10
    assert float(first["train/P4/wh/蜂"]) == 2 * 2 * 2
    assert float(first["val/P5/class/background"]) == 4 * 4 / 2
    assert (first["AP50"], first["AP50/蜂"], first["lr"]) == ("0.8125", "0.5", "0.001")
    assert (first["best"], first["truths/assigned"], first["photos/skipped"]) == ("True", "40", "0")
    # 7 of the epoch, train and val, each 1 + 4 terms + 2 levels * 4 terms * (1 + 4 classes), 2 figures,
    # 5 counts of truths and 1 of photos.
    assert len(first) == 7 + 2 * (1 + 4 + 2 * 4 * 5) + 2 + 5 + 1


def test_figures_that_come_later_have_their_columns(folder: Path) -> None:
    log = MetricsLog(folder)
    for event in (
        started(folder), stage_started(1),
        epoch(1, 1, figures={}, validated=False), epoch(1, 2),
    ):  # fmt: skip
        log(event)
    first, second = rows(folder / METRICS)
    assert (first["AP50"], first["val/loss"]) == ("", "")
    assert (second["AP50"], second["val/loss"]) == ("0.8125", "150.0")


def test_a_step_is_a_row(folder: Path) -> None:
    feed(StepsLog(folder), training(folder))
    found = rows(folder / STEPS)
    assert [int(row["global_step"]) for row in found] == list(range(1, 13))
    assert found[4] == {
        "global_step": "5", "stage": "1", "epoch": "2", "step": "2", "lr": "0.001",
        "height": "64", "width": "96", "data_s": "0.1", "step_s": "0.5", "loss": "300.0",
        "xy": "30.0", "wh": "60.0", "confidence": "90.0", "class": "120.0",
    }  # fmt: skip


@pytest.mark.parametrize("done", [1, 2, 3])
@pytest.mark.parametrize("again", [True, False])
def test_after_an_interruption_the_files_are_those_of_a_training_without(
    done: int, again: bool, folder: Path, tmp_path: Path
) -> None:
    """The training is cut in the epoch after `done`, or goes back by an epoch that was written already."""
    whole = tmp_path / "whole"
    kinds = (MetricsLog, StepsLog)
    for kind in kinds:
        feed(kind(whole), training(whole))
        interrupted, epochs = kind(folder), 0
        for event in training(folder):
            interrupted(event)
            epochs += type(event).__name__ == "Epoch"
            if epochs == done + again:
                break
        if not again:  # a step of the next epoch was done, and is lost
            interrupted(stepped(done // 2 + 1, done % 2 + 1, 1, 9.0))
        feed(kind(folder), training(folder, resumed=done))
    for name in (METRICS, STEPS):
        assert (folder / name).read_bytes() == (whole / name).read_bytes()


@pytest.mark.parametrize("missing", [1, 2, 30])
def test_a_row_cut_off_by_a_crash_is_dropped(missing: int, folder: Path) -> None:
    feed(StepsLog(folder), training(folder))
    path = folder / STEPS
    ninth = path.read_bytes().index(b"\n10,") + 1  # where it ends
    path.write_bytes(path.read_bytes()[: ninth - missing])
    log = StepsLog(folder)
    for event in (started(folder, 3), stage_started(2, 1)):
        log(event)
    assert path.read_bytes().endswith(b"\n")
    assert [row["global_step"] for row in rows(path)] == [str(at) for at in range(1, 9)]


@pytest.mark.parametrize(("kind", "name"), [(MetricsLog, METRICS), (StepsLog, STEPS)])
def test_a_full_disk_is_said_and_harms_no_earlier_row(
    kind: type[MetricsLog] | type[StepsLog], name: str, folder: Path
) -> None:
    log, path = kind(folder), folder / name
    for event in (started(folder), stage_started(1), stepped(1, 1, 1), epoch(1, 1)):
        log(event)
    before = path.read_bytes()
    log(stepped(1, 2, 1))
    with files_up_to(len(before) + 20), pytest.raises(OutputError) as raised:
        log(epoch(1, 2))
    assert str(path) in raised.value.message
    assert path.read_bytes() == before
    assert [each.name for each in folder.iterdir()] == [name]


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    log = MetricsLog(tmp_path / "file" / "run")
    with pytest.raises(OutputError, match="cannot be"):
        feed(log, training())


def test_class_names_with_commas_and_quotes_stay_whole(folder: Path) -> None:
    log = MetricsLog(folder)
    log(started(folder))
    log(stage_started(1))
    log(epoch(1, 1, figures={'AP50/a, "b"': 0.25}))
    assert rows(folder / METRICS)[0]['AP50/a, "b"'] == "0.25"
    assert len(CLASSES) == 3
