"""Write an edited checkpoint and its manifest; undo a written edit."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from headlab.checkpoint.atomic import check_is_not, replacing
from headlab.checkpoint.checkpoint import Checkpoint
from headlab.checkpoint.delta import Delta, reverse_delta
from headlab.checkpoint.manifest import (
    FileFacts,
    Manifest,
    facts,
    facts_of,
    path_for,
    same_bytes,
    standing_manifest,
)
from headlab.checkpoint.pt.checkpoint import PtCheckpoint
from headlab.edit.recipe import Recipe
from headlab.errors import CheckpointError, OutputError

_NO_UNDO = "class rows were removed, and their numbers are not in this file; keep the input file"


@dataclass(frozen=True)
class Saved:
    """What was written.

    Attributes:
        output: the model file.
        manifest: the manifest beside it.
        size_bytes: of the model file.
        no_undo: why the edit cannot be undone; empty if it can.
    """

    output: Path
    manifest: Path
    size_bytes: int
    no_undo: str


def save(
    checkpoint: Checkpoint, output: Path, recipes: Sequence[Recipe], *, in_place: bool = False
) -> Saved:
    """Write an edited checkpoint, and its manifest beside it.

    Args:
        checkpoint: as edited.
        output: where to write; the input itself only with `in_place`.
        recipes: what was applied, in this order.
        in_place: `output` is the input, which is to be replaced.

    Raises:
        OutputError: the output cannot be written, or is the input; nothing was changed.
        CheckpointError: the input is damaged, or a value does not fit its dtype.
    """
    _check_output(checkpoint, output, in_place)
    with checkpoint.path.open("rb") as source:
        before = facts(checkpoint.path.name, source)
        standing = standing_manifest(output, before)
        with _both_replaced(output, manifest_first=in_place) as (file, manifest_file):
            _write_model(checkpoint, file)
            after = facts(output.name, file)
            undo = _verified_delta(source, file, before) if checkpoint.keeps_shapes else None
            manifest = Manifest(
                before,
                after,
                tuple(recipe.data() for recipe in recipes),
                undo,
                "" if undo else _NO_UNDO,
                standing if in_place else None,
            )
            manifest_file.write(manifest.to_json())
    return Saved(output, path_for(output), after.bytes, manifest.no_undo)


def _check_output(checkpoint: Checkpoint, output: Path, in_place: bool) -> None:
    if not in_place:
        check_is_not(output, checkpoint.path)
    elif not checkpoint.keeps_shapes:
        raise OutputError(
            "keep and drop remove rows for good, so they cannot replace the input in place.",
            "Write to another file with -o.",
        )


def _write_model(checkpoint: Checkpoint, file: BinaryIO) -> None:
    if isinstance(checkpoint, PtCheckpoint) and not checkpoint.keeps_shapes:
        from headlab.detect.network import save_rebuilt

        save_rebuilt(checkpoint, file)
    else:
        checkpoint.write(file)
    file.flush()


@contextlib.contextmanager
def _both_replaced(model: Path, *, manifest_first: bool) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Open a model and its manifest for replacement; both are on the disk before either is renamed.

    A file that is replaced in place needs its undo data first; should a crash come between the two, the
    manifest's `previous` still belongs to the old file. A file elsewhere comes before its manifest, so
    that an older file of that name keeps its own until it is gone.
    """
    manifest = path_for(model)
    first, last = (manifest, model) if manifest_first else (model, manifest)
    with replacing(last) as later, replacing(first) as sooner:
        yield (later, sooner) if manifest_first else (sooner, later)
        later.flush()
        os.fsync(later.fileno())


def _verified_delta(source: BinaryIO, edited: BinaryIO, before: FileFacts) -> Delta:
    delta = reverse_delta(source, edited)
    restored = facts_of(before.name, delta.restored(edited, before.name))
    if not same_bytes(restored, before):
        raise CheckpointError(
            f"{before.name}: the edit could not be made reversible, so nothing was written.",
            "The file may have changed while it was read; try again.",
        )
    return delta
