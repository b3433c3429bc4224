"""Undo a written edit: restore the input's bytes from the output and its manifest."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from headlab.checkpoint.companions import replacing_model, to_write
from headlab.checkpoint.manifest import (
    FileFacts,
    Manifest,
    as_json,
    earlier_manifest,
    facts,
    path_for,
    read_manifest,
    same_bytes,
)
from headlab.checkpoint.model_path import check_model_path
from headlab.edit.formats import check_restores_format
from headlab.errors import CheckpointError
from headlab.files.atomic import check_is_new, check_is_not
from headlab.files.path_text import path_text
from headlab.results.result import Result

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, repr=False)
class Restored(Result):
    """What was restored.

    Attributes:
        output: the restored file.
        original: name, sha256 and size of the file that it equals.
        earlier_edit: the restored file is itself the result of an edit, whose manifest was restored too.
        companions: the companion files of the original that were written next to the output.
    """

    output: Path
    original: FileFacts
    earlier_edit: bool
    companions: tuple[Path, ...] = ()

    title: ClassVar[str] = "restored model"

    @property
    def summary(self) -> str:
        """The file."""
        return path_text(self.output)

    @property
    def table(self) -> pl.DataFrame:
        """One row per file written: `kind`, `file`."""
        import polars as pl

        kinds = ["model", *["companion"] * len(self.companions)]
        return pl.DataFrame(
            {"kind": kinds, "file": [path_text(path) for path in (self.output, *self.companions)]}
        )

    def to_dict(self) -> dict[str, Any]:
        """The files, and the original that they equal."""
        return {
            "output": path_text(self.output),
            "original": asdict(self.original),
            "earlier_edit": self.earlier_edit,
            "companions": [path_text(path) for path in self.companions],
        }

    def text(self) -> Iterable[str]:
        """See `Result.text`."""
        from headlab.edit.files_text import restored_lines

        return restored_lines(self)


def undo(model: Path, output: Path, *, in_place: bool = False, force: bool = False) -> Restored:
    """Write the bytes that a file had before headlab edited it.

    Args:
        model: the edited file, whose manifest is next to it.
        output: where to write the original; the edited file itself only with `in_place`.
        in_place: replace the edited file.
        force: replace an output that exists, and files in the place of its companions.

    Raises:
        CheckpointError: there is no manifest, it is damaged, it does not belong to the file as it
            is, or the edit cannot be undone.
        InputError: the output's name asks for another format.
        OutputError: the output cannot be written; nothing was changed.
    """
    check_model_path(model)
    if not in_place:
        check_is_not(output, model)
        check_restores_format(model, output)
        check_is_new(output, force)
    try:
        with model.open("rb") as edited:
            now = facts(model.name, edited)
            manifest = read_manifest(model, now)
            _check_belongs(model, now, manifest)
            if manifest.undo is None:
                raise CheckpointError(f"{model}: the edit cannot be undone: {manifest.no_undo}.")
            previous, target = manifest.previous, path_for(output)
            outdated = previous is None and earlier_manifest(output) is not None
            companions = _companions(model, manifest, output, in_place, force)
            written = None if previous is None else target
            with replacing_model(output, companions, written) as files:
                with files.writing(output) as file:
                    for chunk in manifest.undo.restored(edited, str(model)):
                        file.write(chunk)
                if not same_bytes(facts(output.name, file), manifest.input):
                    raise CheckpointError(
                        f"{path_for(model)}: the undo data are damaged: they do not restore "
                        f"{manifest.input.name}.",
                    )
                if previous is not None:
                    files.write(target, as_json(previous))
            if outdated:
                with contextlib.suppress(OSError):  # harmless: its checksum is that of another file
                    target.unlink(missing_ok=True)
    except OSError as error:
        raise CheckpointError(f"{model}: cannot be read: {error.strerror}.") from None
    return Restored(output, manifest.input, previous is not None, tuple(companions))


def _companions(
    model: Path, manifest: Manifest, output: Path, in_place: bool, force: bool
) -> dict[Path, bytes]:
    """The companion files that have to be written: path -> contents."""
    was_in_place = manifest.input.name == manifest.output.name
    if in_place and was_in_place:  # such an edit leaves the model's companions as they are
        return {}
    return to_write(output, manifest.companions, model, force=force)


def _check_belongs(model: Path, now: FileFacts, manifest: Manifest) -> None:
    if same_bytes(now, manifest.output):
        return
    if same_bytes(now, manifest.input):
        raise CheckpointError(
            f"{model}: this is the original already; there is nothing to undo.",
            f"The edit that {path_for(model).name} describes was undone or never finished.",
        )
    raise CheckpointError(
        f"{model}: the file has changed since the edit that {path_for(model).name} describes.",
        "Only the file as headlab wrote it can be undone.",
    )
