"""The result of a training, read from its folder: epochs, the best of them, weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from headlab.errors import InputError
from headlab.plain_text import counted
from headlab.results.result import Result
from headlab.train.run_folder import BEST, CONFIG_NAME, LAST, METRICS, WEIGHT_SUFFIXES
from headlab.train.watching.logs import EPOCH_COLUMNS
from headlab.train.watching.text import duration, number

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure
    from rich.console import RenderableType

    from headlab.train.configuration.config import TrainConfig

SCORES = ("AP", "AP50", "AP75")
_WHOLE_NUMBERS = ("stage", "epoch", "global_step", "photos/skipped")
_MAIN = ("stage", "epoch", "train/loss", "val/loss", *SCORES, "lr", "seconds", "best")


@dataclass(frozen=True, repr=False)
class TrainingRun(Result):
    """A training as its folder shows it, finished or not.

    Attributes:
        folder: the training's folder.
        config: its configuration, with everything decided.
        epochs: one row per epoch, with the columns of metrics.csv: stage, epoch, losses with all their terms,
            average precision, learning rate, seconds. The same as `table`.
        finished: whether the training has come to its end.
    """

    folder: Path
    config: TrainConfig
    epochs: pl.DataFrame
    finished: bool

    title: ClassVar[str] = "training"
    plot_suffixes: ClassVar[tuple[str, ...]] = (".png", ".svg")

    @property
    def table(self) -> pl.DataFrame:
        """One row per epoch; see `epochs`."""
        return self.epochs

    @property
    def monitor(self) -> str:
        """What the best epoch is chosen by, such as "val AP50"."""
        return f"val {self.config.monitor}" if self._is_validated else "train loss"

    @property
    def best_epoch(self) -> dict[str, Any] | None:
        """The row of the best epoch so far; None before the end of the first epoch."""
        best = self.epochs.filter(self.epochs["best"])
        return best.row(-1, named=True) if best.height else None

    @property
    def best_value(self) -> float | None:
        """The best epoch's loss or average precision, see `monitor`."""
        best = self.best_epoch
        if best is None:
            return None
        kind, _, name = self.monitor.partition(" ")
        value = best[f"{kind}/loss" if name == "loss" else name]
        return None if value is None else float(value)

    @property
    def best_weights(self) -> Path | None:
        """The weights of the best epoch, in the first of the formats; None before the first epoch's end."""
        return next(iter(self._files(BEST)), None)

    @property
    def last_weights(self) -> Path | None:
        """The weights of the last epoch, in the first of the formats; None before the end."""
        return next(iter(self._files(LAST)), None)

    @property
    def weights(self) -> tuple[Path, ...]:
        """All weight files, the best ones first."""
        return (*self._files(BEST), *self._files(LAST))

    @property
    def summary(self) -> str:
        """The folder, the number of epochs, and the best value."""
        state = "" if self.finished else ", unfinished"
        text = f"{self.folder}, {counted(self.epochs.height, 'epoch')}{state}"
        best = self.best_value
        return text if best is None else f"{text}, best {self.monitor} {number(best)}"

    def to_dict(self) -> dict[str, Any]:
        """Everything, as docs/training.md describes it."""
        best = self.best_epoch
        return {
            "folder": str(self.folder),
            "finished": self.finished,
            "monitor": self.monitor,
            "best": best
            and {"stage": best["stage"], "epoch": best["epoch"], "value": self.best_value},
            "weights": [str(path) for path in self.weights],
            "config": self.config.model_dump(mode="json"),
            "epochs": self.epochs.to_dicts(),
        }

    def text(self) -> Iterator[RenderableType]:
        """A table of the epochs, and where the weights are."""
        from headlab.results.tables import line, table

        yield line(self.summary, "bold")
        headings = ("stage", ">epoch", ">train", ">val", ">AP50", ">lr", ">time", "")
        yield table(headings, map(_cells, self.epochs.iter_rows(named=True)))
        best, value = self.best_epoch, self.best_value
        if best is not None and value is not None:
            yield line(
                f"best: epoch {best['epoch']} of stage {best['stage']}, {self.monitor} {number(value)}"
            )
        for path in self.weights:
            yield line(path)

    def html(self) -> str:
        """The main columns of the epochs."""
        from headlab.results.html import frame_html

        columns = [name for name in _MAIN if name in self.epochs.columns]
        return frame_html(self.summary, self.epochs.select(columns))

    def plot(self) -> Figure:
        """Losses and average precision by epoch, with the stages and the best epoch marked.

        Raises:
            InputError: no epoch is done yet.
        """
        from headlab.train.result_plot import curves

        if not self.epochs.height:
            raise InputError(f"{self.folder}: no epoch of this training is done yet.")
        return curves(self)

    @property
    def _is_validated(self) -> bool:
        return "val/loss" in self.epochs.columns

    def _files(self, name: str) -> list[Path]:
        return [path for path in _weight_paths(self.folder, self.config, name) if path.is_file()]


def read_run(folder: Path) -> TrainingRun:
    """Read a training's folder.

    Raises:
        InputError: it does not hold a training.
    """
    from headlab.train.configuration.file import load

    path = folder / CONFIG_NAME
    if not path.is_file():
        raise InputError(
            f"{folder}: there is no training here: {CONFIG_NAME} is missing.",
            "Name the folder that headlab train wrote to.",
        )
    config = load(path)
    finished = all(path.is_file() for path in _weight_paths(folder, config, LAST))
    return TrainingRun(folder, config, _read_epochs(folder / METRICS), finished)


def _weight_paths(folder: Path, config: TrainConfig, name: str) -> list[Path]:
    return [folder / f"{name}{WEIGHT_SUFFIXES[kind]}" for kind in config.formats]


def _read_epochs(path: Path) -> pl.DataFrame:
    """metrics.csv with typed columns; no rows if there is no such file yet."""
    import polars as pl

    if path.is_file():
        try:
            rows = pl.read_csv(path, infer_schema=False)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise InputError(f"{path}: cannot be read: {error}") from error
    else:
        rows = pl.DataFrame(schema=dict.fromkeys(EPOCH_COLUMNS, pl.String))
    missing = [name for name in EPOCH_COLUMNS if name not in rows.columns]
    if missing:
        raise InputError(f"{path}: the column {missing[0]} is missing.")
    try:
        return rows.with_columns(_typed(name) for name in rows.columns)
    except pl.exceptions.InvalidOperationError as error:
        raise InputError(f"{path}: a value is not a number: {error}") from error


def _typed(name: str) -> pl.Expr:
    import polars as pl

    if name == "best":
        return pl.col(name) == "True"
    is_whole = name in _WHOLE_NUMBERS or name.startswith("truths/")
    return pl.col(name).cast(pl.Int64 if is_whole else pl.Float64)


def _cells(row: dict[str, Any]) -> list[str]:
    """An epoch as a row of the table."""
    val, ap50 = row.get("val/loss"), row.get("AP50")
    return [
        str(row["stage"]),
        str(row["epoch"]),
        number(row["train/loss"]),
        "" if val is None else number(val),
        "" if ap50 is None else f"{ap50:.3f}",
        f"{row['lr']:.2g}",
        duration(row["seconds"]),
        "*" if row["best"] else "",
    ]
