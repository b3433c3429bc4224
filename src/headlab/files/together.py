"""Replace several files that belong together: a main file, and those without which it is misread.

All of them are complete and on the disk before the first is renamed. Then comes one order: what belongs
before the main file, the main file, what may come last. A crash between two renames leaves the old main
file or the new one, each with files that fit it.

One case needs more: where new files replace others that say something else, the old main file would be
misread until the new one is there. It is then first renamed to a hidden name next to its own, and removed
at the end; a crash in that moment leaves no main file, and the old one under its hidden name, but never one
that is misread. Whoever then writes the main file again removes it.

An error before the main file is in its place, Ctrl-C included, puts everything back.

Two that replace files in one folder at once do so one after the other, so that all files of the last one are
left.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from headlab.errors import OutputError
from headlab.files.atomic import (
    RANDOM_CHARACTERS,
    explained,
    flush,
    hidden_file,
    hidden_prefix,
    open_temporary,
    put,
)

SET_ASIDE_SUFFIX = ".old"
"""What the hidden name ends in, so that nobody takes the file for a half-written one."""


class Together:
    """Files that are being written and will be renamed together; made by `replacing_together`."""

    def __init__(self) -> None:
        self._files: dict[Path, BinaryIO] = {}
        self._finished: dict[Path, Path] = {}

    @contextlib.contextmanager
    def writing(self, path: Path) -> Iterator[BinaryIO]:
        """The file for a path, to write to; afterwards it may still be read.

        Raises:
            OutputError: the file cannot be written, as on a full disk.
        """
        try:
            yield self._files[path]
            flush(self._files[path])
        except OSError as error:
            raise explained(error, path) from error

    def write(self, path: Path, data: bytes) -> None:
        """Write the file for a path, whole.

        Raises:
            OutputError: the file cannot be written, as on a full disk.
        """
        with self.writing(path) as file:
            file.write(data)

    def take(self, path: Path, finished: Path) -> None:
        """Use a file that is written already, on the same disk, as the file for a path.

        Raises:
            OutputError: the file cannot be written, as on a full disk.
        """
        try:
            with finished.open("rb+") as file:
                flush(file)
        except OSError as error:
            raise explained(error, path) from error
        self._discard(path)
        self._finished[path] = finished

    def _open(self, path: Path) -> None:
        try:
            self._files[path], self._finished[path] = open_temporary(path)
        except OSError as error:
            raise explained(error, path) from error

    def _close(self) -> None:
        for path, file in self._files.items():
            try:
                file.close()
            except OSError as error:
                raise explained(error, path) from error

    def _discard(self, path: Path) -> None:
        with contextlib.suppress(OSError):  # what it could not write, it cannot flush now
            self._files[path].close()
        self._finished[path].unlink(missing_ok=True)

    def _put(self, path: Path) -> None:
        try:
            put(self._finished[path], path)
        except OSError as error:
            raise explained(error, path) from error


@contextlib.contextmanager
def replacing_together(
    before: Sequence[Path], main: Path, after: Sequence[Path] = (), *, misread: bool = False
) -> Iterator[Together]:
    """Open files for replacement; they are renamed when the body has written all of them.

    Args:
        before: what is renamed before the main file.
        main: the main file.
        after: what is renamed after it.
        misread: with the new files of `before`, the main file that is there would be misread.

    Raises:
        OutputError: one of them cannot be written. Nothing was changed, unless the message says so.
    """
    together = Together()
    try:
        for path in (*before, main, *after):
            together._open(path)
        crashed = [] if main.exists() else set_aside_files(main)
        yield together
        together._close()
        with _alone(main):
            with _putting_back(main) as old:
                if misread and main.exists():
                    old.set_aside(main)
                for path in before:
                    old.keep(path)
                    together._put(path)
                together._put(main)
            for path in crashed:
                path.unlink(missing_ok=True)
            for path in after:
                _put_last(together, path, main)
    finally:
        for path in list(together._files):
            together._discard(path)


@contextlib.contextmanager
def _alone(main: Path) -> Iterator[None]:
    """Wait until nobody else renames files in the folder, where the system can lock a folder."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    handle = -1
    with contextlib.suppress(OSError):
        handle = os.open(os.path.dirname(os.path.realpath(main)), os.O_RDONLY)  # noqa: PTH120
        fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if handle >= 0:
            os.close(handle)  # which ends the lock


def set_aside_files(main: Path) -> list[Path]:
    """The hidden files that a crash has left of a main file."""
    target = Path(os.path.realpath(main))
    prefix = hidden_prefix(target)
    if target.name not in prefix:  # the name is cut, so that the files may be another's
        return []
    length = len(prefix) + RANDOM_CHARACTERS + len(SET_ASIDE_SUFFIX)
    try:
        names = os.listdir(target.parent)  # noqa: PTH208 - names are what is wanted
    except OSError:
        return []
    return [
        target.parent / name
        for name in names
        if len(name) == length and name.startswith(prefix) and name.endswith(SET_ASIDE_SUFFIX)
    ]


def _put_last(together: Together, path: Path, main: Path) -> None:
    try:
        together._put(path)
    except OutputError as error:
        error.message = error.message.replace(
            "Nothing was changed.", f"{main} was written without it."
        )
        raise


class _Old:
    """Files that were there before, under hidden names: hidden name -> name; None where nothing was."""

    def __init__(self) -> None:
        self._steps: list[tuple[Path | None, Path]] = []

    def set_aside(self, path: Path) -> None:
        """Rename a file to a hidden name."""
        target = Path(os.path.realpath(path))
        hidden = _hidden_name(path)
        os.replace(target, hidden)  # noqa: PTH105
        self._steps.append((hidden, target))

    def keep(self, path: Path) -> None:
        """Give a file that will be replaced a hidden name as well."""
        target = Path(os.path.realpath(path))
        if not target.exists():
            self._steps.append((None, target))
            return
        hidden = _hidden_name(path)
        hidden.unlink()
        try:
            hidden.hardlink_to(target)
        except OSError:  # a file system without links
            self.set_aside(path)
        else:
            self._steps.append((hidden, target))

    def put_back(self) -> None:
        """Give all files their names again, the last one first."""
        for hidden, target in reversed(self._steps):
            with contextlib.suppress(OSError):
                if hidden is None:
                    target.unlink(missing_ok=True)
                else:
                    os.replace(hidden, target)  # noqa: PTH105
        self.remove()

    def remove(self) -> None:
        """Remove what has a hidden name."""
        for hidden, _ in self._steps:
            if hidden is not None:
                hidden.unlink(missing_ok=True)


@contextlib.contextmanager
def _putting_back(main: Path) -> Iterator[_Old]:
    """Put the old files back if the body fails, and remove them if it does not."""
    old = _Old()
    try:
        yield old
    except OSError as error:
        old.put_back()
        raise explained(error, main) from error
    except BaseException:
        old.put_back()
        raise
    old.remove()


def _hidden_name(path: Path) -> Path:
    handle, hidden = hidden_file(path, SET_ASIDE_SUFFIX)
    os.close(handle)
    return hidden
