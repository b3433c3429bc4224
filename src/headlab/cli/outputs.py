"""Where a command puts its result: files, tables or JSON; and what it says on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headlab.cli.terminal import say
from headlab.errors import InputError
from headlab.results.printing import readers_may_leave

if TYPE_CHECKING:
    from rich.console import RenderableType

    from headlab.model import Model
    from headlab.results.pictures.folder import PictureFolder
    from headlab.results.result import Result
    from headlab.trace.image import Skipped


@dataclass(frozen=True)
class Outputs:
    """What the user asked for with `-o` and `--json`; `checked` makes one.

    Attributes:
        files: to write; the suffix of each decides its format.
        as_json: print the JSON document instead of tables.
    """

    files: tuple[Path, ...]
    as_json: bool

    @classmethod
    def checked(
        cls, kind: type[Result], files: Sequence[Path], as_json: bool, *inputs: Path
    ) -> Outputs:
        """Refuse early what would fail, or destroy an input, at the end of the work.

        Args:
            kind: the class of the result.
            files: from `-o`.
            as_json: from `--json`.
            inputs: files that must not be written over.

        Raises:
            InputError: two outputs go to one file.
            OutputError: a file cannot be written, or is an input.
        """
        from headlab.files.atomic import check_is_not, check_replaceable

        for path in files:
            if str(path) == "-":
                raise InputError("-o takes a file.", "To print the result as JSON, say --json.")
            kind.check_path(path)
            for source in inputs:
                check_is_not(path, source, "Give another output with -o.")
            check_replaceable(path)
        if len({path.resolve() for path in files}) < len(files):
            raise InputError("Two outputs would go to the same file.", "Give each its own.")
        return cls(tuple(files), as_json)

    def deliver(self, result: Result, text: Iterable[RenderableType] | None = None) -> None:
        """Write the files, then print the result.

        Args:
            result: what was asked for.
            text: what to print instead of `result.text()`.

        Raises:
            OutputError: a file cannot be written.
        """
        for path in self.files:
            result.save(path)
        deliver(result, self.as_json, text)
        for path in self.files:
            say(f"wrote {path}", err=True)


def deliver(result: Result, as_json: bool, text: Iterable[RenderableType] | None = None) -> None:
    """Print a result.

    Args:
        result: what to print.
        as_json: as its JSON document, instead of text.
        text: what to print instead of `result.text()`.
    """
    if as_json:
        print_json(result.to_dict())
    else:
        print_parts(result.text() if text is None else text)


def print_parts(text: Iterable[RenderableType]) -> None:
    """Print lines, and tables of rich; where there are only lines, rich is not even imported."""
    parts = list(text)
    if all(isinstance(part, str) for part in parts):
        for part in parts:
            say(part)
        return
    from headlab.results.tables import show

    show(*parts)


def print_json(document: dict[str, Any]) -> None:
    """Print a document to standard output."""
    from headlab.files.json_text import to_json

    with readers_may_leave(sys.stdout):
        sys.stdout.write(to_json(document, encoding=sys.stdout.encoding or "utf-8"))


def remark(text: object) -> None:
    """Say something about the work on standard error, where it does not mix with results."""
    say(f"headlab: {text}", err=True)


def say_remarks(*models: Model) -> None:
    """Say, once, what is known about the models' files beyond what the files say."""
    from headlab.families.table import family_of

    remarks = {
        text: model.path
        for model in reversed(models)
        for text in family_of(model.checkpoint).remarks(model.checkpoint)
    }
    for text, path in remarks.items():
        remark(f"{path.name}: {text}")


def say_warnings(model: Model) -> None:
    """Say what makes a model file dangerous for other programs."""
    from headlab.families.table import family_of

    for text in family_of(model.checkpoint).warnings(model.checkpoint):
        remark(f"WARNING: {model.path.name}: {text}")


def picture_folder(
    folder: Path | None, sources: Sequence[Path], mark: str, vid_stride: int
) -> AbstractContextManager[PictureFolder | None]:
    """The folder that pictures are saved to, or None if there is to be none.

    Args: as of `headlab.results.pictures.folder.PictureFolder`.

    Raises:
        OutputError: the folder cannot be made.
    """
    if folder is None:
        return nullcontext()
    from headlab.results.pictures.folder import PictureFolder

    return PictureFolder(folder, sources, mark, vid_stride)


def say_what_happened(skipped: Iterable[Skipped], folder: PictureFolder | None) -> None:
    """Say which sources were skipped, and what was saved as pictures."""
    for source in skipped:
        remark(f"skipped {source.path}: {source.reason}")
    for text in folder.told() if folder is not None else ():
        remark(text)
