"""Where `trace` and `compare` put their results besides the terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from headlab.cli.terminal import say
from headlab.errors import InputError, OutputError

if TYPE_CHECKING:
    import polars as pl

    from headlab.model import Model
    from headlab.results.pictures.folder import PictureFolder
    from headlab.trace.trace import Skipped

T = TypeVar("T")

STANDARD_OUTPUT = Path("-")
_PROGRESS_FROM = 4


@dataclass(frozen=True)
class Outputs:
    """The files that the user asked for; None where there is to be none."""

    json: Path | None
    csv: Path | None
    parquet: Path | None

    @property
    def prints_json(self) -> bool:
        """Standard output is for JSON, so that nothing else may go there."""
        return self.json == STANDARD_OUTPUT

    def check(self, *models: Path) -> None:
        """Refuse early what would fail, or destroy something, at the end of a long run.

        Raises:
            InputError: two outputs go to one place, or one that is no JSON to standard output.
            OutputError: a file cannot be written, or is one of the models.
        """
        from headlab.files.atomic import check_is_not

        tables = [path for path in (self.csv, self.parquet) if path is not None]
        if STANDARD_OUTPUT in tables:
            raise InputError(
                "Only JSON goes to standard output.",
                "Use --json -, or give --csv and --parquet a file.",
            )
        files = tables if self.json is None or self.prints_json else [*tables, self.json]
        if len({path.resolve() for path in files}) < len(files):
            raise InputError("Two outputs would go to the same file.", "Give each its own.")
        for path in files:
            for model in models:
                check_is_not(path, model)
            if path.is_dir() or not path.parent.is_dir():
                what = "it is a folder" if path.is_dir() else f"there is no folder {path.parent}"
                raise OutputError(f"{path}: cannot be written: {what}.", "Give the path of a file.")

    def write(self, table: pl.DataFrame, document: Callable[[], Mapping[str, Any]]) -> None:
        """Write a result.

        Args:
            table: for CSV and Parquet.
            document: makes the JSON document, if it is wanted.

        Raises:
            OutputError: a file cannot be written.
        """
        from headlab.files.json_text import to_json
        from headlab.results.table_files import write_csv, write_json, write_parquet

        if self.csv is not None:
            write_csv(self.csv, table)
        if self.parquet is not None:
            write_parquet(self.parquet, table)
        if self.prints_json:
            sys.stdout.write(to_json(document()))
        elif self.json is not None:
            write_json(self.json, document())


@contextmanager
def progress_shown(
    stream: Iterable[T], files: list[Path], vid_stride: int
) -> Iterator[Iterable[T]]:
    """Show a progress bar on standard error, on a terminal and for more than a few images."""
    from headlab.results.progress import image_count, progress

    total = image_count(files, vid_stride) if sys.stderr.isatty() else 0
    if total < _PROGRESS_FROM:
        yield stream
        return
    with progress(stream, total) as shown:
        yield shown


def picture_folder(
    folder: Path | None, files: Sequence[Path], mark: str, vid_stride: int
) -> AbstractContextManager[PictureFolder | None]:
    """The folder that pictures are saved to, or None if there is to be none.

    Args: as of `headlab.results.pictures.folder.PictureFolder`.

    Raises:
        OutputError: the folder cannot be made.
    """
    if folder is None:
        return nullcontext()
    from headlab.results.pictures.folder import PictureFolder

    return PictureFolder(folder, files, mark, vid_stride)


def say_remarks(*models: Model) -> None:
    """Say on standard error, once, what is known of the models' files beyond what they say."""
    from headlab.families.table import family_of

    remarks = {
        each: model.path
        for model in reversed(models)
        for each in family_of(model.checkpoint).remarks(model.checkpoint)
    }
    for remark, path in remarks.items():
        say(f"headlab: {path.name}: {remark}", err=True)


def say_what_happened(skipped: Iterable[Skipped], folder: PictureFolder | None) -> None:
    """Say on standard error which sources were skipped and what was saved as pictures."""
    for each in skipped:
        say(f"headlab: skipped {each.path}: {each.reason}", err=True)
    for told in folder.told() if folder is not None else ():
        say(f"headlab: {told}", err=True)
