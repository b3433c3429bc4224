"""Walk folders, links to folders included, without ever going in circles."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator

_SEP = re.escape(os.sep)
_ANY_DEPTH = re.compile(rf"(?:(.*?){_SEP})?\*\*(?:{_SEP}(.*))?", re.S)
"""What comes before the first `**`, and what comes after it."""


def folders_within(folder: str) -> Iterator[str]:
    """A folder and those inside it, at any depth, sorted, each once; hidden ones are left out.

    A link to a folder is followed unless it leads to one that was there already, as a link to its own
    folder does.
    """
    seen: set[str] = set()
    waiting = [folder]
    links: list[str] = []
    while waiting or links:
        base = (
            waiting.pop() if waiting else links.pop(0)
        )  # links come last: names without them are better
        real = os.path.realpath(base)
        if real in seen:
            continue
        seen.add(real)
        yield base
        try:
            with os.scandir(base or ".") as entries:
                inner = sorted(
                    (os.path.join(base, entry.name), entry.is_symlink())  # noqa: PTH118
                    for entry in entries
                    if not entry.name.startswith(".") and entry.is_dir()
                )
        except OSError:  # not for this user to read
            continue
        waiting += [path for path, is_link in reversed(inner) if not is_link]
        links += [path for path, is_link in inner if is_link]


def matching(pattern: str) -> list[str]:
    """The paths that a pattern fits, sorted; `**` matches folders at any depth, each of them once."""
    return sorted(set(_matching(pattern)))


def _matching(pattern: str) -> Iterator[str]:
    deep = _ANY_DEPTH.fullmatch(pattern)
    if deep is None:
        yield from glob.iglob(pattern)  # noqa: PTH207 - as the user wrote it, hidden files left out
        return
    before, rest = deep.groups()
    bases = [""] if before is None else [os.sep] if not before else glob.glob(before)  # noqa: PTH207
    for base in sorted(bases):
        for folder in folders_within(base):
            yield from _matching(os.path.join(glob.escape(folder), rest or "*"))  # noqa: PTH118
