"""An edit keeps the format of its file: refuse an output whose name asks for another one."""

from __future__ import annotations

import shlex
from pathlib import Path

from headlab.checkpoint.checkpoint import Checkpoint
from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.checkpoint.yolov3.write import FORMATS
from headlab.errors import InputError

_PT = ".pt"
_SUFFIXES = {
    "darknet": (".weights",),
    "keras": (".h5", ".weights.h5"),
    "headlab": (".safetensors",),
}
"""What a file of each YOLOv3 format may be called."""


def suffix_of(path: Path) -> str:
    """The suffix that tells a model file's format; empty if it tells none."""
    known = [*(each.suffix for each in FORMATS), _PT]
    return next((suffix for suffix in known if path.name.lower().endswith(suffix)), "")


def check_keeps_format(checkpoint: Checkpoint, output: Path) -> None:
    """Refuse an output whose name asks for another format than the input has.

    Raises:
        InputError: it does.
    """
    source = checkpoint.path
    if not isinstance(checkpoint, Yolov3Checkpoint):
        _check(source, output, ("", _PT))
    elif suffix_of(source):
        _check(source, output, (suffix_of(source),))
    elif source.suffix != output.suffix:
        _check(source, output, _SUFFIXES[checkpoint.format])


def check_restores_format(edited: Path, output: Path) -> None:
    """Refuse to restore a file under a name that asks for another format.

    Raises:
        InputError: it does.
    """
    suffix = suffix_of(edited)
    if suffix:
        _check(edited, output, ("", _PT) if suffix == _PT else (suffix,))


def _check(source: Path, output: Path, allowed: tuple[str, ...]) -> None:
    if suffix_of(output) in allowed:
        return
    named = " or ".join(suffix for suffix in allowed if suffix)
    convertible = _PT not in (*allowed, suffix_of(output)) and suffix_of(output)
    raise InputError(
        f"{output}: edit keeps the format, so the output of {source.name} ends in {named}.",
        f"To change the format, convert first: headlab convert {shlex.quote(str(source))} "
        f"{shlex.quote(str(output))}"
        if convertible
        else f"Give a name that ends in {named}.",
    )
