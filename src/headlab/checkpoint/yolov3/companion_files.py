"""The companion files of a model file, which say what the weights do not: cfg, class names, anchors.

A file with the model's own name comes first; then one that is not named after another model of the folder,
such as `coco.names`; then any. Of several that differ, none is guessed: the message asks which. If the model
file is a link, each step looks in the folder of its target as well.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headlab.checkpoint.yolov3.data_file import names_file
from headlab.errors import CheckpointError, InputError
from headlab.plain_text import counted

_MODEL_SUFFIX = re.compile(r"\.(weights\.h5|weights|backup|conv\.\d+|h5|hdf5|safetensors)$", re.I)
_TRAINING_SUFFIX = re.compile(r"_(final|last|best|\d+)$", re.I)
_OWN_SUFFIX = re.compile(r"\.cfg|\.names|[._]classes\.txt|[._]anchors\.txt", re.I)
_NAMES = re.compile(r".*\.names|classes\.txt|.*_classes\.txt|_darknet\.labels")
_DATA = re.compile(r".*\.data")
_SHOWN_FILES = 6


@dataclass(frozen=True)
class CompanionFiles:
    """Files that the user names; None means: look for it next to the model file.

    Attributes:
        cfg: darknet's description of the network.
        names: class names, one per line, or the `.data` file of darknet that names such a file.
        anchors: keras-yolo3's anchors, "w,h, w,h, …".
    """

    cfg: Path | None = None
    names: Path | None = None
    anchors: Path | None = None

    @classmethod
    def of(
        cls,
        cfg: str | Path | None = None,
        names: str | Path | None = None,
        anchors: str | Path | None = None,
    ) -> CompanionFiles:
        """The same from paths as text."""
        return cls(*(None if path is None else Path(path) for path in (cfg, names, anchors)))


def stem(model: Path) -> str:
    """A model file's name without the suffix of its format; its companions are named so when written."""
    return stems(model)[0]


def stems(model: Path) -> tuple[str, ...]:
    """The names that files of the same model begin with, the most likely first.

    "voc.weights.h5" gives "voc"; "voc_final.weights" and "voc_10000.weights", as darknet's training
    names them, also give "voc".
    """
    whole, found = _MODEL_SUFFIX.subn("", model.name)
    whole = whole if found else model.stem
    plain = _TRAINING_SUFFIX.sub("", whole)
    return (whole, plain) if plain not in ("", whole) else (whole,)


def own_cfg(model: Path) -> Path | None:
    """The `.cfg` that has the model's name, if there is one."""
    return _with_own_name(model, (".cfg",))


def find_cfg(model: Path) -> Path | None:
    """The `.cfg` of a model file: the one with its name, else the only one in its folder.

    Raises:
        CheckpointError: there are several, none with the model's name.
    """
    own = own_cfg(model)
    if own is not None:
        return own
    for place in _places(model):
        files = _files_next_to(place)
        cfgs = _unclaimed([path for path in files if _key(path.name).endswith(".cfg")], files)
        if len(cfgs) > 1:
            raise _ambiguous(place, "its .cfg", "--cfg", cfgs)
        if cfgs:
            return cfgs[0]
    return None


def find_names(model: Path, count: int | None = None) -> Path | None:
    """The file of class names of a model file.

    `<stem>.names`, `<stem>.classes.txt` or `<stem>_classes.txt`, whatever is in it; else, of `*.names`,
    `classes.txt` and `*_classes.txt`, the only one that can be read and has the right number of names;
    else what `names=` in a `*.data` says. Files with the same names count as one.

    Args:
        model: the model file.
        count: how many classes the model has; None if that is not known.

    Raises:
        CheckpointError: several fit, with different names.
    """
    from headlab.files.class_names import read_class_names

    found = _find(
        model,
        own=(".names", ".classes.txt", "_classes.txt"),
        others=_NAMES,
        read=lambda path: read_class_names(path).names,
        count=count,
        what=("its class names", "--names"),
    )
    if found is not None:
        return found
    return _find(
        model,
        own=(),
        others=_DATA,
        read=lambda path: read_class_names(names_file(path)).names,
        count=count,
        what=("the .data of its class names", "--names"),
    )


def rejected_names(model: Path, count: int) -> tuple[str, ...]:
    """Why none of the files next to a model that could name its classes was taken, in sentences.

    Args:
        model: the model file, for which `find_names` finds nothing.
        count: how many classes the model has.
    """
    from headlab.files.class_names import read_class_names

    said = []
    for place in _places(model):
        for path in _files_next_to(place):
            if _NAMES.fullmatch(_key(path.name)) or _DATA.fullmatch(_key(path.name)):
                try:
                    names = read_class_names(names_file(path)).names
                except InputError as error:
                    said.append(f"{error.message} Its names were not taken.")
                else:
                    said.append(
                        f"{path}: {counted(len(names), 'class name')} for {count} classes; not taken."
                    )
    return tuple(said[:_SHOWN_FILES])


def find_anchors(model: Path, count: int | None = None) -> Path | None:
    """The file of anchors of a model file.

    `<stem>.anchors.txt` or `<stem>_anchors.txt`, whatever is in it; else, of `anchors.txt` and
    `*_anchors.txt` (such as `yolo_anchors.txt` and `tiny_yolo_anchors.txt`), the only one that can be read
    and has the right number of anchors. Files with the same anchors count as one.

    Args:
        model: the model file.
        count: how many anchors the model has; None if that is not known.

    Raises:
        CheckpointError: several fit, with different anchors.
    """
    from headlab.checkpoint.yolov3.anchor_list import read_anchors

    return _find(
        model,
        own=(".anchors.txt", "_anchors.txt"),
        others=re.compile(r"anchors\.txt|.*_anchors\.txt"),
        read=read_anchors,
        count=count,
        what=("its anchors", "--anchors"),
    )


def _find(
    model: Path,
    own: Sequence[str],
    others: re.Pattern[str],
    read: Callable[[Path], tuple[Any, ...]],
    count: int | None,
    what: tuple[str, str],
) -> Path | None:
    named = _with_own_name(model, own)
    if named is not None:
        return named
    for place in _places(model):
        files = _files_next_to(place)
        candidates = {}
        for path in files:
            if others.fullmatch(_key(path.name)):
                try:
                    held = read(path)
                except InputError:  # not what its name promises; the user can still name it
                    continue
                if count in (None, len(held)):
                    candidates[path] = held
        contents: dict[tuple[Any, ...], Path] = {}
        for path in _unclaimed(list(candidates), files):
            contents.setdefault(candidates[path], path)
        if len(contents) > 1:
            raise _ambiguous(place, *what, list(contents.values()))
        if contents:
            return next(iter(contents.values()))
    return None


def _places(model: Path) -> tuple[Path, ...]:
    """A model file as named and, if that is a link, its target."""
    return (model, Path(os.path.realpath(model))) if model.is_symlink() else (model,)


def _unclaimed(candidates: list[Path], files: Sequence[Path]) -> list[Path]:
    """The candidates that are not named after a model of the folder; all of them if there are none."""
    models = {name for path in files if _MODEL_SUFFIX.search(path.name) for name in stems(path)}
    free = [path for path in candidates if _OWN_SUFFIX.sub("", path.name) not in models]
    return free or candidates


def _files_next_to(model: Path) -> list[Path]:
    """The files in a model's folder, by name; none where it cannot be listed."""
    try:
        return sorted(path for path in model.parent.iterdir() if path.is_file())
    except OSError:
        return []


def _with_own_name(model: Path, suffixes: Sequence[str]) -> Path | None:
    for place in _places(model):
        files = _files_next_to(place)
        by_key = {_key(path.name): path for path in files}
        by_name = {path.name: path for path in files}
        for name in stems(place):
            for suffix in suffixes:
                found = by_name.get(name + suffix) or by_key.get(_key(name + suffix))
                if found is not None:
                    return found
    return None


def _key(name: str) -> str:
    """A file name without letter case and with composed letters; macOS stores them decomposed."""
    return unicodedata.normalize("NFC", name).casefold()


def _ambiguous(model: Path, what: str, option: str, found: Sequence[Path]) -> CheckpointError:
    names = ", ".join(path.name for path in found[:_SHOWN_FILES])
    more = ", …" if len(found) > _SHOWN_FILES else ""
    return CheckpointError(
        f"{model}: several files next to it could be {what}: {names}{more}.",
        f"Say which with {option}, or give it the model's name.",
    )
