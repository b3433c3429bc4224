"""The texts of `headlab edit`'s options -> recipe: the short way to write a recipe of a few operations.

    [LEVELS:]CLASSES     P4,P5:cat,traffic light    levels in front of a colon; without it, all levels
    LEVELS               P4,P5/2                    P5/2 is slot 2 of P5; P5 means all its slots
    CLASSES              cat,14 or * or @FILE       names or numbers; all; a file with one per line
    …=VALUE              split at the last "="      a number
    A=B                  split at the first "="     two classes, or a class and its new name

A class whose name contains a comma, "=" or ":" is given by its number or in a file; a recipe file can say
everything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from headlab.edit.operations import Operation
from headlab.edit.recipe import Recipe, typed_operation
from headlab.errors import InputError, RecipeError
from headlab.files.text import SMALL_BYTES, read_text

_LEVEL = re.compile(r"\s*[Pp]\d+(\s*/\s*\d+)?\s*")
_LINE_OPERATIONS = ("shift", "permute", "reorder", "swap", "copy", "suppress", "scale", "bias")
_ALL = "*"


def recipe_from_options(options: Mapping[str, Sequence[str]], at: float | None = None) -> Recipe:
    """Make a recipe of option texts.

    Args:
        options: option name without dashes ("shift", "threshold", ...) -> its texts, in order.
        at: the global threshold for `threshold`; None means the default.

    Raises:
        RecipeError: a text does not fit the option, or a file of classes cannot be read.
    """
    operations: list[Operation] = []
    for name in _LINE_OPERATIONS:
        operations += [_operation(name, text) for text in options.get(name, ())]
    operations += _thresholds(options.get("threshold", ()), at)
    operations += _rename(options.get("rename", ()))
    for name in ("keep", "drop"):
        texts, classes = options.get(name, ()), list[str]()
        for text in texts:
            classes += _classes(text, f"--{name} {text}")
        if texts:
            operations.append(typed_operation(name, f"--{name}", classes=classes))
    return Recipe(tuple(operations), is_checked=True)


def _operation(name: str, text: str) -> Operation:
    where = f"--{name} {text}"
    return typed_operation(name, where, **_FIELDS[name](text, where))


def _shift(text: str, where: str) -> dict[str, Any]:
    scope, _, by = text.rpartition("=")
    return {"by": _whole(by, where), **_levels(scope or None, where)}


def _permute(text: str, where: str) -> dict[str, Any]:
    levels, classes = _scope(text)
    return {"order": _classes(classes, where), **levels}


def _reorder(text: str, where: str) -> dict[str, Any]:
    return {"order": _classes(text, where)}


def _swap(text: str, where: str) -> dict[str, Any]:
    levels, pair = _scope(text)
    return {"classes": _pair(pair, where), **levels}


def _copy(text: str, where: str) -> dict[str, Any]:
    levels, pair = _scope(text)
    source, target = _pair(pair, where)
    return {"source": source, "target": target, **levels}


def _suppress(text: str, where: str) -> dict[str, Any]:
    return _scoped_classes(text, where)


def _scale(text: str, where: str) -> dict[str, Any]:
    scope, _, factor = text.rpartition("=")
    return {"factor": _number(factor, where), **_scoped_classes(scope, where)}


def _bias(text: str, where: str) -> dict[str, Any]:
    scope, _, offset = text.rpartition("=")
    return {"offset": _number(offset, where), **_scoped_classes(scope, where)}


_FIELDS = {
    "shift": _shift,
    "permute": _permute,
    "reorder": _reorder,
    "swap": _swap,
    "copy": _copy,
    "suppress": _suppress,
    "scale": _scale,
    "bias": _bias,
}


def _thresholds(texts: Iterable[str], at: float | None) -> Iterator[Operation]:
    """One operation for all thresholds of the same levels."""
    groups: dict[tuple[str, ...], dict[str, float]] = {}
    for text in texts:
        where = f"--threshold {text}"
        scope, equals, value = text.rpartition("=")
        if not equals:
            raise RecipeError(f"{where}: CLASS=THRESHOLD is expected, such as person=0.4.")
        fields = _scoped_classes(scope, where)
        if "classes" not in fields:
            raise RecipeError(f"{where}: name the classes, such as person=0.4.")
        group = groups.setdefault(tuple(fields.get("levels", ())), {})
        for name in fields["classes"]:
            if name in group:
                raise RecipeError(f"{where}: {name!r} has a threshold already.", "Give it once.")
            group[name] = _number(value, where)
    if at is not None and not groups:
        raise RecipeError("--at says where thresholds are used, but there is no --threshold.")
    for levels, thresholds in groups.items():
        scoped = {"levels": levels} if levels else {}
        used = {} if at is None else {"at": at}
        yield typed_operation("thresholds", "--threshold", thresholds=thresholds, **scoped, **used)


def _rename(texts: Sequence[str]) -> Iterator[Operation]:
    names: dict[str, str] = {}
    for text in texts:
        old, new = _pair(text, f"--rename {text}")
        if old in names:
            raise RecipeError(f"--rename {text}: {old!r} is renamed twice.", "Rename it once.")
        names[old] = new
    if names:
        yield typed_operation("rename", "--rename", names=names)


def _scope(text: str) -> tuple[dict[str, Any], str]:
    """Split [LEVELS:]REST; what is in front of a colon is levels only if all of it looks like P4."""
    scope, colon, rest = text.partition(":")
    levels = scope.split(",")
    if colon and all(map(_LEVEL.fullmatch, levels)):
        return {"levels": [level.strip() for level in levels]}, rest
    return {}, text


def _scoped_classes(text: str, where: str) -> dict[str, Any]:
    """[LEVELS:][CLASSES]; nothing but levels, as in P4, means all classes there."""
    if text and all(map(_LEVEL.fullmatch, text.split(","))):
        text += ":"
    levels, classes = _scope(text)
    if classes.strip() in ("", _ALL):
        return levels
    return {**levels, "classes": _classes(classes, where)}


def _levels(text: str | None, where: str) -> dict[str, Any]:
    if text is None or text.strip() == _ALL:
        return {}
    levels = [level.strip() for level in text.removesuffix(":").split(",")]
    if not all(levels):
        raise RecipeError(f"{where}: a level's name is empty.")
    return {"levels": levels}


def _classes(text: str, where: str) -> list[str]:
    if text.startswith("@"):
        return _lines(Path(text[1:]), where)
    classes = [name.strip() for name in text.split(",")]
    if not all(classes):
        raise RecipeError(
            f"{where}: a class name is empty.", "Write names or numbers with commas between them."
        )
    return classes


def _lines(path: Path, where: str) -> list[str]:
    try:
        text = read_text(path, largest_bytes=SMALL_BYTES)
    except InputError as error:
        raise RecipeError(f"{where}: {error.message}", error.hint) from None
    # That the encoding may have been guessed needs no remark: the names have to be those of the model.
    return [line.strip() for line in text.lines if line.strip()]


def _pair(text: str, where: str) -> tuple[str, str]:
    first, equals, second = text.partition("=")
    if not equals or not first.strip() or not second.strip():
        raise RecipeError(f"{where}: two names with = between them are expected, such as cat=dog.")
    return first.strip(), second.strip()


def _number(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise RecipeError(
            f"{where}: {text!r} is not a number.", "Write it after the last =."
        ) from None


def _whole(text: str, where: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise RecipeError(
            f"{where}: {text!r} is not a whole number.",
            "Such as P4=1, P4,P5=-1, or 1 for all levels.",
        ) from None
