"""Photos' headers that were read before, kept in the user's cache folder.

A cache that cannot be read or written is as good as none: nothing here raises.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from headlab.boxes.photos.headers import Header

_VERSION = 1
_AT_ONCE = 500
_TABLE = """
CREATE TABLE IF NOT EXISTS headers (
    path TEXT PRIMARY KEY, bytes INTEGER, mtime_ns INTEGER,
    width_px INTEGER, height_px INTEGER, orientation INTEGER
) WITHOUT ROWID
"""


@dataclass(frozen=True)
class Stamp:
    """What tells one state of a file from another."""

    bytes: int
    mtime_ns: int


def cache_file() -> Path:
    """Where the cache is: in `XDG_CACHE_HOME`, or where the system keeps such files."""
    home = os.environ.get("XDG_CACHE_HOME")
    if home and Path(home).is_absolute():
        base = Path(home)
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path("~/AppData/Local").expanduser())
    elif sys.platform == "darwin":
        base = Path("~/Library/Caches").expanduser()
    else:
        base = Path("~/.cache").expanduser()
    return base / "headlab" / f"image_headers_{_VERSION}.sqlite"


def look_up(stamps: Mapping[str, Stamp]) -> dict[str, Header]:
    """The headers of those files that have not changed since they were kept.

    Args:
        stamps: by absolute path, the files' present states.
    """
    found: dict[str, Header] = {}
    with contextlib.suppress(sqlite3.Error, OSError, RuntimeError), _opened() as database:
        for some in _portions(list(stamps)):
            query = f"SELECT * FROM headers WHERE path IN ({','.join('?' * len(some))})"  # noqa: S608
            for path, size, mtime_ns, *header in database.execute(query, some):
                if stamps[path] == Stamp(size, mtime_ns):
                    found[path] = Header(*header)
    return found


def keep(headers: Iterable[tuple[str, Stamp, Header]]) -> None:
    """Keep headers for the next time, if the cache can be written."""
    rows = [
        (path, stamp.bytes, stamp.mtime_ns, head.width_px, head.height_px, head.orientation)
        for path, stamp, head in headers
    ]
    if not rows:
        return
    with contextlib.suppress(sqlite3.Error, OSError, RuntimeError), _opened() as database:
        database.executemany("INSERT OR REPLACE INTO headers VALUES (?, ?, ?, ?, ?, ?)", rows)
        database.commit()


@contextlib.contextmanager
def _opened() -> Iterator[sqlite3.Connection]:
    path = cache_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(path, timeout=1.0)
    try:
        database.execute(_TABLE)
        yield database
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):  # locked or read-only, but sound
            raise
        database.close()
        path.unlink(missing_ok=True)
    finally:
        database.close()


def _portions(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), _AT_ONCE):
        yield items[start : start + _AT_ONCE]
