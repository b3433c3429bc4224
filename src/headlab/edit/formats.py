"""An edit keeps the format of its file: refuse an output whose name asks for another one."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from headlab.checkpoint.checkpoint import Checkpoint
from headlab.checkpoint.file_format import FileFormat
from headlab.errors import InputError
from headlab.families.table import convertible, family_of, file_formats

_CHECKPOINT_SUFFIXES = (".pth", ".ckpt", ".bak")
"""What checkpoints of PyTorch are called, too."""

_ENDING = re.compile(r"\.[a-z][a-z0-9]*", re.ASCII)
"""What tells a format; "v1.2" ends in none."""


def suffix_of(path: Path) -> str:
    """The suffix that tells a model file's format; empty if it tells none."""
    format_ = _format_of(path)
    return format_.suffix if format_ else ""


def check_keeps_format(checkpoint: Checkpoint, output: Path) -> None:
    """Refuse an output whose name asks for another format than the input has.

    Raises:
        InputError: it does.
    """
    source = checkpoint.path
    formats = [each for each in family_of(checkpoint).formats if each.name == checkpoint.format]
    if any(each.any_name for each in formats):
        suffixes = [each.suffix for each in formats]
        _check(source, output, ["", *suffixes])
        _check_ending(source, output, [*suffixes, *_CHECKPOINT_SUFFIXES, source.suffix])
    elif suffix_of(source):
        _check(source, output, [suffix_of(source)])
    elif source.suffix != output.suffix:
        _check(source, output, [each.suffix for each in reversed(formats)])


def check_restores_format(edited: Path, output: Path) -> None:
    """Refuse to restore a file under a name that asks for another format.

    Raises:
        InputError: it does.
    """
    format_ = _format_of(edited)
    if format_ is not None:
        _check(edited, output, ["", format_.suffix] if format_.any_name else [format_.suffix])
    if format_ is not None and format_.any_name:
        _check_ending(edited, output, [format_.suffix, *_CHECKPOINT_SUFFIXES])


def _check_ending(source: Path, output: Path, allowed: list[str]) -> None:
    """Refuse a name that promises something else, such as .onnx, for a file of any name."""
    ending = output.suffix.lower()
    if not _ENDING.fullmatch(ending) or ending in (suffix.lower() for suffix in allowed):
        return
    named = ", ".join(dict.fromkeys(suffix for suffix in allowed if suffix))
    raise InputError(
        f"{output}: edit keeps the format, and {source.name} is an ultralytics checkpoint: a name ending in "
        f"{output.suffix} would promise something else.",
        f"Give a name that ends in one of {named}, or in none.",
    )


def _format_of(path: Path) -> FileFormat | None:
    name = path.name.lower()
    return next((each for each in file_formats() if name.endswith(each.suffix)), None)


def _check(source: Path, output: Path, allowed: list[str]) -> None:
    asked = suffix_of(output)
    if asked in allowed:
        return
    named = " or ".join(suffix for suffix in allowed if suffix)
    raise InputError(
        f"{output}: edit keeps the format, so the output of {source.name} ends in {named}.",
        f"To change the format, convert first: headlab convert {shlex.quote(str(source))} "
        f"{shlex.quote(str(output))}"
        if any(convertible(suffix, asked) for suffix in allowed)
        else f"Give a name that ends in {named}.",
    )
