"""darknet's `.data` files, as far as a model needs them: they name the file of class names.

classes = 2
train = data/train.txt
names = data/obj.names
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from headlab.errors import InputError
from headlab.files.text import SMALL_BYTES, read_text
from headlab.plain_text import printable

SUFFIX = ".data"
_KEYS = ("names", "labels")
_LEVELS = 3


def names_file(path: Path) -> Path:
    """The file of class names that a file names: itself, or what a `.data` file's `names=` says.

    darknet looks from the folder that it is started in, which is not known here: the folder of the `.data`
    file and those above it are tried, then the name alone next to the `.data` file.

    Raises:
        InputError: the `.data` file cannot be read, names none, or there is no such file.
    """
    if path.suffix.lower() != SUFFIX:
        return path
    key, value = _named(path)
    tried = list(dict.fromkeys(_places(path, value)))
    for place in tried:
        try:
            if place.is_file():
                return place
        except (OSError, ValueError):  # such as a name that is too long, or with a zero byte
            continue
    raise InputError(
        f"{path}: {key}={printable(value)[:200]}, and there is no such file in its folder or above it.",
        f"Put it next to {path.name}, or name it itself.",
    )


def _named(path: Path) -> tuple[str, str]:
    values: dict[str, str] = {}
    for line in read_text(path, largest_bytes=SMALL_BYTES).lines:
        key, equals, value = line.partition("=")
        if equals and value.strip() and not line.lstrip().startswith(("#", ";")):
            values.setdefault(key.strip(), value.strip())  # darknet takes the first
    for key in _KEYS:
        if key in values:
            return key, values[key]
    raise InputError(
        f"{path}: there is no names= in it.", "Name the file of class names itself, with --names."
    )


def _places(path: Path, value: str) -> Iterator[Path]:
    named = Path(value.replace("\\", "/"))
    folder = path.absolute().parent
    yield from (above / named for above in (folder, *folder.parents[:_LEVELS]))
    yield folder / named.name
