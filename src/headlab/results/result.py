"""What every result of headlab can do: be a table, a document, a file, a plot, and show itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from io import RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from headlab.errors import InputError, OutputError
from headlab.files.atomic import replacing, write_bytes
from headlab.files.json_text import to_json
from headlab.plain_text import printable

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    from matplotlib.figure import Figure
    from PIL import Image
    from rich.console import RenderableType


class Result(ABC):
    """A result: the answer to one question, such as a trace, a comparison or a fit of anchors.

    A result class says what its rows are (`table`), what its JSON document is (`to_dict`), what it looks
    like in a terminal (`text`) and, if it can be drawn, what its plot is (`plot`). Everything else comes
    with that. It is a `@dataclass(frozen=True, repr=False)`, so that its `repr` stays one line.

    Attributes:
        title: what it is, in a few words: the caption of its table, the title of its page.
        plot_suffixes: the endings of the files that its plot is written to; empty if it has no plot.
    """

    title: ClassVar[str]
    plot_suffixes: ClassVar[tuple[str, ...]] = ()

    @property
    @abstractmethod
    def table(self) -> pl.DataFrame:
        """Its rows, as a polars table."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Everything it says, as plain values: the document that `--json` prints."""

    @abstractmethod
    def text(self) -> Iterable[RenderableType]:
        """What a terminal shows, part by part: lines of plain text, or tables and lines of rich."""

    @property
    def summary(self) -> str:
        """The result in a few words, for its `repr`."""
        return self.title

    def html(self) -> str:
        """What a notebook shows: by default its rows, the first ones of many."""
        from headlab.results.html import frame_html

        return frame_html(self.title, self.table)

    def plot(self) -> Figure | Image.Image:
        """A figure or a picture, which a notebook shows.

        Raises:
            InputError: there is nothing to draw.
        """
        raise InputError(f"{self.title}: there is no plot of it.", "Use its table.")

    def to_pandas(self) -> pd.DataFrame:
        """Its rows, as a pandas table.

        Raises:
            InputError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise InputError(
                "pandas is not installed.",
                "Install it (pip install pandas), or use .table, of polars.",
            ) from None
        return pd.DataFrame({column.name: column.to_numpy() for column in self.table})

    @classmethod
    def suffixes(cls) -> tuple[str, ...]:
        """The endings of the files that `save` writes, such as ".json"."""
        return tuple(cls._writers())

    @classmethod
    def check_path(cls, path: str | Path) -> None:
        """Refuse a path that `save` would refuse, before the work is done.

        Raises:
            OutputError: its suffix is not one of `suffixes`, or its folder does not exist.
        """
        target = Path(path)
        if target.is_dir():
            raise OutputError(f"{path}: this is a folder.", "Give the path of a file.")
        if cls._suffix(target) is None:
            *others, last = cls.suffixes()
            raise OutputError(
                f"{path}: {cls.title} cannot be written in this format.",
                f"End the name in {', '.join(others)} or {last}.",
            )
        if not target.parent.is_dir():
            raise OutputError(
                f"{path}: there is no folder {target.parent}.", "Make the folder first."
            )

    def save(self, path: str | Path) -> Path:
        """Write it to a file, whole or not at all; the suffix decides the format.

        Args:
            path: .json has everything, .csv and .parquet have the rows, .html is a page, .png and .svg are
                the plot; see `suffixes`.

        Returns:
            The path.

        Raises:
            OutputError: the suffix is none of these, or the file cannot be written.
        """
        self.check_path(path)
        target = Path(path)
        suffix = self._suffix(target)
        assert suffix is not None  # noqa: S101 - checked above
        self._writers()[suffix](self, target)
        return target

    @classmethod
    def _suffix(cls, path: Path) -> str | None:
        """The longest of the suffixes that the name ends in."""
        name = path.name.lower()
        fitting = [suffix for suffix in cls.suffixes() if name.endswith(suffix)]
        return max(fitting, key=len, default=None)

    @classmethod
    def _writers(cls) -> dict[str, Callable[[Any, Path], None]]:
        """How each suffix is written; a class with formats of its own adds them."""
        writers: dict[str, Callable[[Any, Path], None]] = {
            ".json": Result._write_json,
            ".csv": Result._write_csv,
            ".parquet": Result._write_parquet,
            ".html": Result._write_html,
        }
        return writers | dict.fromkeys(cls.plot_suffixes, Result._write_plot)

    def _write_json(self, path: Path) -> None:
        write_bytes(path, to_json(self.to_dict()).encode("utf-8"))

    def _write_csv(self, path: Path) -> None:
        table = self.table
        _write_rows(table.write_csv, path)

    def _write_parquet(self, path: Path) -> None:
        table = self.table
        _write_rows(table.write_parquet, path)

    def _write_html(self, path: Path) -> None:
        from headlab.results.html import page

        write_bytes(path, page(self.title, self.html()).encode("utf-8"))

    def _write_plot(self, path: Path) -> None:
        from headlab.results.plotting import save_drawing

        save_drawing(self.plot(), path)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {printable(self.summary)}>"

    def __rich__(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        return Group(*(Text(part) if isinstance(part, str) else part for part in self.text()))

    def __str__(self) -> str:
        from headlab.results.tables import as_text

        return as_text(*self.text())

    def _repr_html_(self) -> str:
        return self.html()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What IPython prints in a terminal."""
        printer.text(printable(type(self).__name__) if cycle else str(self))


class _Target(RawIOBase):
    """A file that polars writes to, which remembers why that failed: polars hides it in errors of its own."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = error
            raise


def _write_rows(write: Callable[[Any], object], path: Path) -> None:
    """Write a file with polars, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    with replacing(path) as file:
        target = _Target(file)
        try:
            write(target)
        except Exception as error:
            if target.error is None:
                raise
            raise target.error from error
