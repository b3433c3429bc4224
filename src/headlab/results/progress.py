"""A progress bar on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from headlab.detect.sources import is_video
from headlab.results.tables import console

T = TypeVar("T")


def image_count(files: Sequence[Path], vid_stride: int = 1) -> int:
    """How many images and frames files hold, as far as the videos say."""
    return sum(_images_in(file, vid_stride) for file in files)


def _images_in(file: Path, vid_stride: int) -> int:
    if not is_video(file):
        return 1
    from headlab.results.pictures.video import frame_count

    return -(-frame_count(file) // vid_stride)


@contextmanager
def progress(items: Iterable[T], total: int, description: str = "tracing") -> Iterator[Iterable[T]]:
    """Show how many items have been taken while they are taken; the bar vanishes at the end.

    What is printed meanwhile appears above the bar if standard output is a terminal, too.
    """
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console(stderr=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
        redirect_stderr=False,
    )
    with bar:
        yield bar.track(items, total=total, description=description)
