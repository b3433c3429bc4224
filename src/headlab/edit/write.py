"""Write an edited checkpoint, its manifest and its companion files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from headlab.checkpoint.checkpoint import Checkpoint
from headlab.checkpoint.companions import companion_paths, replacing_model, to_write
from headlab.checkpoint.delta import Delta, reverse_delta
from headlab.checkpoint.manifest import (
    FileFacts,
    Manifest,
    earlier_manifest,
    facts,
    facts_of,
    path_for,
    same_bytes,
)
from headlab.edit.formats import check_keeps_format
from headlab.edit.recipe import Recipe
from headlab.errors import CheckpointError, OutputError
from headlab.families.table import family_of
from headlab.files.atomic import check_is_new, check_is_not, is_same
from headlab.files.path_text import path_text
from headlab.results.result import Result

if TYPE_CHECKING:
    import polars as pl

_NO_UNDO = "class rows were removed, and their numbers are not in this file; keep the input file"


@dataclass(frozen=True, repr=False)
class Saved(Result):
    """What was written.

    Attributes:
        source: the model file that was edited.
        output: the model file that was written.
        manifest: its manifest.
        size_bytes: of the model file.
        no_undo: why the edit cannot be undone; empty if it can.
        companions: the companion files that were written, because its format needs them.
        left_out: what the input has and the output has not, in sentences.
    """

    source: Path
    output: Path
    manifest: Path
    size_bytes: int
    no_undo: str
    companions: tuple[Path, ...] = ()
    left_out: tuple[str, ...] = ()

    title: ClassVar[str] = "saved model"

    @property
    def summary(self) -> str:
        """The file."""
        return path_text(self.output)

    @property
    def table(self) -> pl.DataFrame:
        """One row per file written: `kind`, `file`."""
        import polars as pl

        kinds = ["model", "manifest", *["companion"] * len(self.companions)]
        files = [path_text(path) for path in (self.output, self.manifest, *self.companions)]
        return pl.DataFrame({"kind": kinds, "file": files})

    def to_dict(self) -> dict[str, Any]:
        """The files, and whether the edit can be undone."""
        return {
            "source": path_text(self.source),
            "output": path_text(self.output),
            "size_bytes": self.size_bytes,
            "manifest": path_text(self.manifest),
            "companions": [path_text(path) for path in self.companions],
            "no_undo": self.no_undo or None,
            "left_out": list(self.left_out),
        }

    def text(self) -> Iterable[str]:
        """See `Result.text`."""
        from headlab.edit.files_text import saved_lines

        return saved_lines(self)


def save(
    checkpoint: Checkpoint,
    output: Path,
    recipes: Sequence[Recipe],
    *,
    in_place: bool = False,
    force: bool = False,
) -> Saved:
    """Write an edited checkpoint, its manifest, and the companion files that its format needs.

    `headlab.checkpoint.companions` says in which order, and what a crash leaves. In place, the manifest keeps
    the one before it as `previous`, which belongs to the old file.

    Args:
        checkpoint: as edited.
        output: where to write; the input itself only with `in_place`.
        recipes: what was applied, in this order.
        in_place: `output` may be the input, which is then replaced.
        force: replace an output that exists, and files in the place of its companions.

    Raises:
        OutputError: the output exists, is the input, or cannot be written; nothing was changed.
        InputError: the output's name asks for another format.
        CheckpointError: the input is damaged or can no longer be read, or a value does not fit its dtype.
    """
    in_place = in_place and is_same(output, checkpoint.path)
    original = _unedited(checkpoint).companions()
    companions = _companions(checkpoint, original, output, in_place, force)
    target = path_for(output)
    with _opened(checkpoint.path) as source:
        before = facts(checkpoint.path.name, source)
        earlier = earlier_manifest(output, before)
        with replacing_model(output, companions, target, in_place=in_place) as files:
            with files.writing(output) as file:
                _write_model(checkpoint, file)
            after = facts(output.name, file)
            undo = _verified_delta(source, file, before) if checkpoint.keeps_shapes else None
            manifest = Manifest(
                before,
                after,
                tuple(recipe.data() for recipe in recipes),
                undo,
                "" if undo else _NO_UNDO,
                earlier if in_place else None,
                companions=original,
            )
            files.write(target, manifest.to_json())
    losses = family_of(checkpoint).losses(checkpoint)
    return Saved(
        checkpoint.path, output, target, after.bytes, manifest.no_undo, tuple(companions), losses
    )


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The input, open for reading; what fails in reading it, now or later, is its own error."""
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise CheckpointError(
            f"{path}: cannot be read: {error.strerror}.",
            "What is not edited comes from this file; put it back where it was.",
        ) from error


def _unedited(checkpoint: Checkpoint) -> Checkpoint:
    return replace(checkpoint, replaced={}, renamed=None)


def _companions(
    checkpoint: Checkpoint,
    original: Mapping[str, bytes],
    output: Path,
    in_place: bool,
    force: bool,
) -> dict[Path, bytes]:
    """The companion files that have to be written: path -> contents; checks the output as well."""
    companions = checkpoint.companions()
    if not in_place:
        check_is_not(output, checkpoint.path)
        check_keeps_format(checkpoint, output)
        check_is_new(output, force)
        return to_write(output, companions, checkpoint.path, force=force)
    if not checkpoint.keeps_shapes:
        raise OutputError(
            "keep and drop remove rows for good, so they cannot replace the input in place.",
            "Write to another file with -o.",
        )
    changed = {name: data for name, data in companions.items() if original.get(name) != data}
    for path in companion_paths(output, changed):
        raise OutputError(
            f"The edit changes what {path.name} says too, so it cannot replace the input in place.",
            "Write to another file with -o; its companion files are written with it.",
        )
    return {}


def _write_model(checkpoint: Checkpoint, file: BinaryIO) -> None:
    family_of(checkpoint).write(checkpoint, file)


def _verified_delta(source: BinaryIO, edited: BinaryIO, before: FileFacts) -> Delta:
    delta = reverse_delta(source, edited)
    restored = facts_of(before.name, delta.restored(edited, before.name))
    if not same_bytes(restored, before):
        raise CheckpointError(
            f"{before.name}: the edit could not be made reversible, so nothing was written.",
            "The file may have changed while it was read; try again.",
        )
    return delta
