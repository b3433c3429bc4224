"""The tables that a training writes into its folder.

    metrics.csv     one row per epoch: all figures, each term by level and class
    steps.csv       one row per step: the loss and its terms, learning rate, times

An epoch is written here before its state is. A resumed training drops the rows of an epoch that its state
does not have, so that the files look as if there had been no interruption. If the disk is full, what was
written before is unchanged.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from headlab.errors import InputError
from headlab.files.appending import append
from headlab.files.atomic import write_bytes
from headlab.files.folder import make_folder
from headlab.files.text import decoded, read_bytes
from headlab.train.events import Epoch, Event, StageStarted, Started, Stepped, Terms
from headlab.train.run_folder import METRICS, STEPS

EPOCH_COLUMNS = ("stage", "epoch", "global_step", "lr", "best", "seconds", "data_share")

Row = dict[str, str]


def term_figures(kind: str, terms: Terms) -> Iterator[tuple[str, float]]:
    """A loss under names such as train/loss, train/xy, train/P5/xy, train/P5/xy/WBC.

    Args:
        kind: "train" or "val".
        terms: the loss.
    """
    yield f"{kind}/loss", terms.total
    for name, value in terms.by_term().items():
        yield f"{kind}/{name}", value
    for level, of_level in zip(terms.levels, terms.by_class.tolist(), strict=True):
        for name, of_term in zip(terms.names, of_level, strict=True):
            yield f"{kind}/{level}/{name}", sum(of_term)
            for class_name, value in zip(terms.classes, of_term, strict=True):
                yield f"{kind}/{level}/{name}/{class_name}", value


def epoch_figures(event: Epoch) -> dict[str, float]:
    """All figures of an epoch by name."""
    figures = dict(term_figures("train", event.train))
    if event.val is not None:
        figures |= term_figures("val", event.val)
    figures |= event.figures
    figures |= {f"truths/{name}": count for name, count in event.truths.items()}
    figures["photos/skipped"] = len(event.skipped)
    return figures


class MetricsLog:
    """Replaces metrics.csv after every epoch, whole or not at all.

    Args:
        folder: the training's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / METRICS
        self._rows: list[Row] | None = None

    def __call__(self, event: Event) -> None:
        """Take an event.

        Raises:
            OutputError: the file cannot be written; it is unchanged.
        """
        if isinstance(event, Started):
            self._rows = None
        elif isinstance(event, StageStarted) and self._rows is None:
            self._rows = list(rows_before(self._path, event))
        elif isinstance(event, Epoch):
            row = {name: str(getattr(event, name)) for name in EPOCH_COLUMNS}
            row |= {name: _text(value) for name, value in epoch_figures(event).items()}
            self._rows = [*(self._rows or ()), row]
            make_folder(self._path.parent)
            write_bytes(self._path, _csv(self._rows))


class StepsLog:
    """Appends the steps of an epoch to steps.csv when the epoch is done.

    Args:
        folder: the training's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / STEPS
        self._ready = False
        self._new: list[Row] = []

    def __call__(self, event: Event) -> None:
        """Take an event.

        Raises:
            OutputError: the file cannot be written; the earlier steps stay.
        """
        if isinstance(event, Started):
            self._ready = False
        elif isinstance(event, StageStarted) and not self._ready:
            self._drop_after(event)
        elif isinstance(event, Stepped):
            self._new.append(_step_row(event))
        elif isinstance(event, Epoch):
            make_folder(self._path.parent)
            is_new = not self._path.exists()
            append(self._path, _csv(self._new, heading=is_new))
            self._new = []

    def _drop_after(self, event: StageStarted) -> None:
        self._ready, self._new = True, []
        kept = list(rows_before(self._path, event))
        if kept:
            write_bytes(self._path, _csv(kept))
        else:
            self._path.unlink(missing_ok=True)


def _step_row(event: Stepped) -> Row:
    height, width = event.input_hw_px
    values = {
        "global_step": event.global_step,
        "stage": event.stage,
        "epoch": event.epoch,
        "step": event.step,
        "lr": event.lr,
        "height": height,
        "width": width,
        "data_s": round(event.data_s, 6),
        "step_s": round(event.step_s, 6),
        "loss": event.terms.total,
        **event.terms.by_term(),
    }
    return {name: _text(value) for name, value in values.items()}


def rows_before(path: Path, event: StageStarted) -> Iterator[Row]:
    """The rows of a file up to where a stage is resumed; none if there is no file.

    A last row that was truncated by a crash is left out.

    Raises:
        InputError: the file cannot be read, or something in it is not a row of a training.
    """
    if not path.exists():
        return
    data = read_bytes(path)
    whole = decoded(data[: data.rfind(b"\n") + 1], path)
    reader = csv.DictReader(whole.lines)
    last = len(whole.lines)
    try:
        if data and not {"stage", "epoch"} <= set(reader.fieldnames or ()):
            raise _no_row(path, 1)
        for row in reader:
            epoch = _epoch_of(row)
            if epoch is None:
                if reader.line_num < last:
                    raise _no_row(path, reader.line_num)
            elif epoch <= (event.number, event.done_epochs):
                yield row
    except csv.Error:
        raise _no_row(path, reader.line_num) from None


def _epoch_of(row: Mapping[Any, Any]) -> tuple[int, int] | None:
    """Stage and epoch of a row; None if it is not a whole row."""
    if None in row or None in row.values():
        return None
    try:
        return int(row["stage"]), int(row["epoch"])
    except (KeyError, ValueError):
        return None


def _no_row(path: Path, line: int) -> InputError:
    return InputError(
        f"{path}:{line}: this is not a row that a training wrote.",
        "Correct the line, or move the file away: a resumed training then begins a new one.",
    )


def _csv(rows: Sequence[Mapping[str, str]], *, heading: bool = True) -> bytes:
    """Rows as CSV with the columns of all of them; what a row lacks is left empty."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    if heading:
        writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")


def _text(value: Any) -> str:
    return repr(value) if isinstance(value, float) else str(value)
