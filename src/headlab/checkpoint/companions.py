"""The files that belong beside a model file, such as a darknet `.cfg`: where they lie, and what they replace.

They are called after the model file: `STEM.weights` has `STEM.cfg` and `STEM.names` beside it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from headlab.checkpoint.yolov3.companion_files import stem
from headlab.errors import OutputError
from headlab.files.atomic import replacing


def beside(model: Path, companions: Mapping[str, bytes]) -> dict[Path, bytes]:
    """Where the companions of a model file lie: path -> contents.

    Args:
        model: the model file.
        companions: what follows the stem, such as ".cfg" -> contents.
    """
    named = stem(model)
    return {model.with_name(named + suffix): data for suffix, data in companions.items()}


def to_write(output: Path, companions: Mapping[str, bytes], source: Path) -> dict[Path, bytes]:
    """The companions that have to be written beside an output; those that lie there already are left out.

    A file that lies there and says something else is replaced only along with the model file that it
    belongs to.

    Args:
        output: the model file that will be written.
        companions: what follows its stem -> contents.
        source: the model file that the output is made of; its own companions stay as they are, unless it
            is itself the output.

    Raises:
        OutputError: another file is in the way.
    """
    wanted = {
        path: data for path, data in beside(output, companions).items() if not holds(path, data)
    }
    of_source = {os.path.realpath(path) for path in beside(source, companions)}
    in_place = os.path.realpath(output) == os.path.realpath(source)
    for path in wanted:
        if not path.exists():
            continue
        if not in_place and os.path.realpath(path) in of_source:
            raise OutputError(
                f"{path} belongs to {source}, and would say something else. Nothing was changed.",
                "Give the output another name; the files beside it are called after it.",
            )
        if not output.exists():
            raise OutputError(
                f"{path} stands where a file of {output.name} goes, and says something else. "
                "Nothing was changed.",
                "Move it away, or give the output another name; the files beside it are called after it.",
            )
    return wanted


@contextlib.contextmanager
def replacing_together(paths: Sequence[Path]) -> Iterator[tuple[BinaryIO, ...]]:
    """Open files for replacement, all of which are on the disk before the first is renamed.

    Args:
        paths: in the order in which they are renamed.

    Raises:
        OutputError: one of them cannot be written; see `headlab.files.atomic.replacing`.
    """
    with contextlib.ExitStack() as stack:
        last_first = [stack.enter_context(replacing(path)) for path in reversed(paths)]
        files = tuple(reversed(last_first))
        yield files
        for file in files:
            file.flush()
            os.fsync(file.fileno())


def holds(path: Path, data: bytes) -> bool:
    """Whether a file is there and holds exactly this."""
    try:
        return path.read_bytes() == data
    except OSError:
        return False
