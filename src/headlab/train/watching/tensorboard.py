"""Event files for TensorBoard in a training's folder: `tensorboard --logdir FOLDER` shows them.

They hold TensorBoard's own messages in its own record format, but are written without its writer's thread: a
full disk is an error where it happens, an epoch is appended whole or not at all, and PyTorch is not needed.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from headlab.files.appending import append
from headlab.files.folder import make_folder
from headlab.train.events import Epoch, Event, Started, Stepped
from headlab.train.run_folder import TENSORBOARD
from headlab.train.watching.logs import epoch_figures

_VERSION = "brain.Event:2"


class TensorBoardLog:
    """Writes an event file: the loss of every step, and all figures of every epoch.

    The x axis counts steps over all stages. A resumed training starts a new file, whose first record makes
    TensorBoard drop the steps of the interrupted epoch.

    Args:
        folder: the training's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / TENSORBOARD
        self._path: Path | None = None
        self._resumed = False
        self._records = io.BytesIO()

    def __call__(self, event: Event) -> None:
        """Take an event.

        Raises:
            OutputError: the file cannot be written; the earlier epochs stay.
        """
        if isinstance(event, Started):
            self._path, self._records = None, io.BytesIO()
            self._resumed = event.resumed > 0
        elif isinstance(event, Stepped):
            if self._path is None:
                self._begin(event.global_step)
            figures = {"loss": event.terms.total, **event.terms.by_term(), "lr": event.lr}
            self._figures(
                event.global_step, ((f"step/{name}", value) for name, value in figures.items())
            )
        elif isinstance(event, Epoch):
            if self._path is None:
                self._begin(event.global_step)
            more = {"lr": event.lr, "seconds": event.seconds, "data_share": event.data_share}
            self._figures(event.global_step, (epoch_figures(event) | more).items())
            self._flush()

    def _begin(self, step: int) -> None:
        """Name a new file after its first step, and add the records that such a file starts with."""
        now = int(time.time())
        self._path = self._folder / f"events.out.tfevents.{now:010d}.headlab.{step}"
        self._add(file_version=_VERSION)
        if self._resumed:
            from tensorboard.compat.proto.event_pb2 import SessionLog  # type: ignore[import-untyped]

            self._add(step=step, session_log=SessionLog(status=SessionLog.START))

    def _figures(self, step: int, figures: Iterable[tuple[str, float]]) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[import-untyped]

        values = [Summary.Value(tag=name, simple_value=value) for name, value in figures]
        self._add(step=step, summary=Summary(value=values))

    def _add(self, **content: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event as Message
        from tensorboard.summary.writer.record_writer import RecordWriter  # type: ignore[import-untyped]

        message = Message(wall_time=time.time(), **content)
        RecordWriter(self._records).write(message.SerializeToString())

    def _flush(self) -> None:
        assert self._path is not None  # noqa: S101 - `_begin` comes before the first record
        make_folder(self._folder)
        append(self._path, self._records.getvalue())
        self._records = io.BytesIO()
