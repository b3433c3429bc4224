"""A model file with its companions and its manifest: where they are, what they replace, in which order.

The companions of a model file, such as a darknet `.cfg`, are named after it: `STEM.weights` has `STEM.cfg`
and `STEM.names`. Whoever writes a model, be it an edit, its undoing, a conversion or a training, writes it
with `replacing_model`, so that there is one order:

1. the companions, without which the model cannot be read; those that are there already are left alone,
2. the model file,
3. its manifest. An older manifest does no harm until then: it names the checksum of the file it belongs to.

In place the manifest comes before the model file, since it has what undoes the edit, and describes both the
old and the new file. `headlab.files.together` says what a crash in between leaves.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from headlab.checkpoint.yolov3.companion_files import stem
from headlab.errors import OutputError
from headlab.files.together import Together, replacing_together, set_aside_files


def companion_paths(model: Path, companions: Mapping[str, bytes]) -> dict[Path, bytes]:
    """Where the companions of a model file are: path -> contents.

    Args:
        model: the model file.
        companions: what follows the stem, such as ".cfg" -> contents.
    """
    shared = stem(model)
    return {model.with_name(shared + suffix): data for suffix, data in companions.items()}


def missing(companions: Mapping[Path, bytes]) -> dict[Path, bytes]:
    """Those companions that have to be written: the others are there with the same contents."""
    return {path: data for path, data in companions.items() if not holds(path, data)}


def to_write(
    output: Path, companions: Mapping[str, bytes], source: Path, *, force: bool = False
) -> dict[Path, bytes]:
    """The companions that have to be written with an output; those that are there already are left out.

    A file that is there and says something else is replaced only along with the model file that it
    belongs to.

    Args:
        output: the model file that will be written.
        companions: what follows its stem -> contents.
        source: the model file that the output is made of; its own companions stay as they are, unless it
            is itself the output.
        force: replace files that are in the way, unless they are the source's.

    Raises:
        OutputError: another file is in the way.
    """
    wanted = missing(companion_paths(output, companions))
    of_source = {os.path.realpath(path) for path in companion_paths(source, companions)}
    in_place = os.path.realpath(output) == os.path.realpath(source)
    for path in wanted:
        if not path.exists():
            continue
        if not in_place and os.path.realpath(path) in of_source:
            raise OutputError(
                f"{path} belongs to {source}, and would say something else. Nothing was changed.",
                "Give the output another name; its companion files are named after it.",
            )
        if not force and not output.exists() and not set_aside_files(output):
            raise OutputError(
                f"{path} is in the place of a companion file of {output.name}, and says something else. "
                "Nothing was changed.",
                "Move it away, or give the output another name; its companion files are named after it.",
            )
    return wanted


@contextlib.contextmanager
def replacing_model(
    output: Path,
    companions: Mapping[Path, bytes],
    manifest: Path | None = None,
    *,
    in_place: bool = False,
) -> Iterator[Together]:
    """Open a model file for replacement, with all that is written together with it.

    The body writes `output` and, if there is one, `manifest`; the companions are written here.

    Args:
        output: the model file.
        companions: those that have to be written.
        manifest: the output's manifest, if it gets one.
        in_place: the manifest that is written describes both the old and the new model file.

    Raises:
        OutputError: a file cannot be written; see `headlab.files.together.replacing_together`.
    """
    manifests = [] if manifest is None else [manifest]
    before, after = ([*companions, *manifests], []) if in_place else ([*companions], manifests)
    misread = any(path.exists() for path in companions)
    with replacing_together(before, output, after, misread=misread) as files:
        for path, data in companions.items():
            files.write(path, data)
        yield files


def holds(path: Path, data: bytes) -> bool:
    """Whether a file is there and has exactly this content."""
    try:
        return path.read_bytes() == data  # compared, not decoded, so that an unreadable one differs
    except OSError:
        return False
