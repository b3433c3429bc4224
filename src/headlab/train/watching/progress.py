"""A training while it runs: one line per epoch, and on a terminal a live bar."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from headlab.plain_text import printable, size_text
from headlab.results.printing import discard, readers_may_leave
from headlab.results.tables import console
from headlab.train.events import Epoch, Event, Finished, StageStarted, Started, Stepped
from headlab.train.watching.text import (
    duration,
    epoch_lines,
    finished_lines,
    number,
    stage_lines,
    started_lines,
)

if TYPE_CHECKING:
    from rich.console import RenderableType

    from headlab.train.configuration.config import DataConfig

_BAR_COLUMNS = 24
_REFRESHES_PER_SECOND = 4


class TrainProgress:
    """A watcher that prints a training; a context, at whose end the live bar disappears.

        with headlab.train.TrainProgress() as shown:
            headlab.train.run(plan, watchers=[shown])

    A pipe or a notebook gets the lines without the bar, and no control characters.

    Args:
        out: where to print; standard output by default.
    """

    def __init__(self, out: Console | None = None) -> None:
        self._out = out or console()
        self._live: Live | None = None
        self._pace = Pace()
        self._data: DataConfig | None = None

    def __enter__(self) -> TrainProgress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trail: TracebackType | None,
    ) -> None:
        self._end_live()

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if isinstance(event, Stepped):
            if self._out.is_terminal:
                self._show(event)
            return
        self._print(self._lines(event))
        if isinstance(event, Finished):
            self._end_live()

    def _lines(self, event: Event) -> Iterator[str]:
        if isinstance(event, Started):
            config = event.config
            self._pace = Pace(config.batch * config.devices * config.num_nodes)
            self._data = config.data
            yield from started_lines(event)
        elif isinstance(event, StageStarted):
            self._pace.begin(event)
            yield ""
            yield from stage_lines(event)
        elif isinstance(event, Epoch):
            self._pace.epoch(event)
            yield from epoch_lines(event, self._pace.epochs)
        elif isinstance(event, Finished):
            yield ""
            yield from finished_lines(event, self._data)

    def _print(self, lines: Iterator[str]) -> None:
        with self._printing():
            for line in lines:
                self._out.print(Text(printable(line)), soft_wrap=True)

    @contextmanager
    def _printing(self) -> Iterator[None]:
        """Print, and end the printing only, not the training, if the reader has gone."""
        try:
            with readers_may_leave(self._out.file):
                yield
        except SystemExit:  # how rich ends the program when the reader of a pipe has gone
            discard(self._out.file)

    def _show(self, event: Stepped) -> None:
        with self._printing():
            self._show_step(event)

    def _show_step(self, event: Stepped) -> None:
        self._pace.step(event)
        now = step_shown(event, self._pace)
        if self._live is None:
            self._live = Live(
                now,
                console=self._out,
                transient=True,
                refresh_per_second=_REFRESHES_PER_SECOND,
                redirect_stderr=False,
            )
            self._live.start(refresh=True)
        self._live.update(now)

    def _end_live(self) -> None:
        if self._live is not None:
            with self._printing():
                self._live.stop()
            self._live = None


class Pace:
    """How fast a training is, and how long its stage will still take.

    Args:
        photos: per step, on all devices.
    """

    def __init__(self, photos: int = 1) -> None:
        self._photos = photos
        self.epochs = self.steps = 0
        self._begin_epoch()
        self._epoch_s: float | None = None

    def _begin_epoch(self) -> None:
        self._stepped, self._step_s, self._data_s = 0, 0.0, 0.0

    def begin(self, event: StageStarted) -> None:
        """A stage begins; the duration of the previous one says nothing about it."""
        self.epochs, self.steps = event.stage.epochs, event.steps
        self._epoch_s = None
        self._begin_epoch()

    def step(self, event: Stepped) -> None:
        """A step is done."""
        self._stepped += 1
        self._step_s += event.step_s
        self._data_s += event.data_s

    def epoch(self, event: Epoch) -> None:
        """An epoch is done."""
        self._epoch_s = event.seconds
        self._begin_epoch()

    @property
    def photos_per_s(self) -> float:
        """Photos per second in this epoch."""
        return self._photos * self._stepped / self._step_s if self._step_s else 0.0

    @property
    def data_share(self) -> float:
        """The fraction of this epoch's time spent waiting for photos."""
        return self._data_s / self._step_s if self._step_s else 0.0

    def stage_left_s(self, event: Stepped) -> float:
        """The seconds that the rest of the stage will take, if its steps are as fast as this epoch's."""
        step_s = self._step_s / self._stepped if self._stepped else 0.0
        steps_s = step_s * self.steps
        rest_s = max((self._epoch_s or 0.0) - steps_s, 0.0)  # validation and checkpoint
        done_s = step_s * event.step
        return (self.epochs - event.epoch + 1) * (steps_s + rest_s) - done_s


def step_shown(event: Stepped, pace: Pace) -> RenderableType:
    """The live lines: how far the epoch has come, how fast, and the terms of the loss."""
    left = f"{duration(pace.stage_left_s(event))} left"
    first = Table.grid(padding=(0, 1))
    first.add_row(
        Text(f"stage {event.stage}, epoch {event.epoch}/{pace.epochs}", no_wrap=True),
        ProgressBar(total=pace.steps, completed=event.step, width=_BAR_COLUMNS),
        Text(f"{event.step}/{pace.steps}", no_wrap=True),
        Text(left if event.step < pace.steps else "validating and saving", no_wrap=True),
    )
    terms = "  ".join(f"{name} {number(value)}" for name, value in event.terms.by_term().items())
    size = size_text(event.input_hw_px)
    speed = f"{pace.photos_per_s:.1f} images/s  waiting {pace.data_share:.0%}  {size}"
    return Group(
        first,
        Text(f"loss {number(event.terms.total)}  {terms}", no_wrap=True, overflow="ellipsis"),
        Text(f"{speed}  lr {event.lr:.2g}", no_wrap=True, overflow="ellipsis"),
    )
