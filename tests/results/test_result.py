"""What every result can do, on a small one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from PIL import Image
from rich.console import Console

from full_disk import files_up_to
from headlab.errors import InputError, OutputError
from headlab.results.plotting import new_figure
from headlab.results.result import Result
from headlab.results.tables import line, table


@dataclass(frozen=True, repr=False)
class Counts(Result):
    """Counts by name."""

    counts: dict[str, int | None]
    title: ClassVar[str] = "counts"
    plot_suffixes: ClassVar[tuple[str, ...]] = (".png", ".svg")

    @property
    def table(self) -> pl.DataFrame:
        return pl.DataFrame({"name": list(self.counts), "count": list(self.counts.values())})

    def to_dict(self) -> dict[str, Any]:
        return {"counts": self.counts}

    def text(self) -> Iterable[Any]:
        yield line("All counts")
        yield table(["name", ">count"], [[name, n] for name, n in self.counts.items()])

    def plot(self) -> Any:
        figure, (axes,) = new_figure(1, (2, 2))
        axes.bar(range(len(self.counts)), [n or 0 for n in self.counts.values()])
        return figure


@dataclass(frozen=True, repr=False)
class Plain(Counts):
    """The same, without a plot, and with a format of its own."""

    title: ClassVar[str] = "plain counts"
    plot_suffixes: ClassVar[tuple[str, ...]] = ()
    plot = Result.plot

    @classmethod
    def _writers(cls) -> dict[str, Any]:
        return {**super()._writers(), ".names.txt": Plain._write_names}

    def _write_names(self, path: Path) -> None:
        path.write_text("\n".join(self.counts), encoding="utf-8")


COUNTS = Counts({"犬": 2, "<b>": None})


def test_json_is_the_document(tmp_path: Path) -> None:
    written = COUNTS.save(tmp_path / "counts.json")
    assert json.loads(written.read_text("utf-8")) == COUNTS.to_dict()


def test_csv_and_parquet_have_the_rows(tmp_path: Path) -> None:
    assert pl.read_csv(COUNTS.save(tmp_path / "a.csv")).equals(COUNTS.table)
    assert pl.read_parquet(COUNTS.save(tmp_path / "a.Parquet")).equals(COUNTS.table)


def test_pandas_has_the_rows() -> None:
    frame = COUNTS.to_pandas()
    assert frame["name"].tolist() == ["犬", "<b>"]
    assert frame["count"].fillna(-1).tolist() == [2, -1]


def test_png_and_svg_have_the_plot(tmp_path: Path) -> None:
    with Image.open(COUNTS.save(tmp_path / "a.png")) as image:
        assert image.size == (300, 300)  # 2 inches at 150 dots per inch
    assert "<svg" in COUNTS.save(tmp_path / "a.svg").read_text("utf-8")


def test_a_notebook_shows_its_figure() -> None:
    assert COUNTS.plot()._repr_png_().startswith(b"\x89PNG")


def test_html_shows_the_rows_and_escapes_them(tmp_path: Path) -> None:
    page = COUNTS.save(tmp_path / "a.html").read_text("utf-8")
    assert "<td>犬</td><td>2</td>" in page
    assert "<td>&lt;b&gt;</td><td></td>" in page
    assert COUNTS._repr_html_() in page


def test_it_shows_itself() -> None:
    assert repr(COUNTS) == "<Counts: counts>"
    assert str(COUNTS).splitlines() == ["All counts", "name  count", "犬        2", "<b>    None"]
    console = Console(width=40)
    with console.capture() as captured:
        console.print(COUNTS)
    assert "犬" in captured.get()


def test_a_long_table_is_cut_in_a_notebook_and_says_so() -> None:
    html = Counts({str(number): number for number in range(1200)}).html()
    assert html.count("<tr>") == 51  # 50 rows and the headings
    assert "the first 50 of 1,200 rows" in html


def test_an_unknown_suffix_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as refused:
        COUNTS.save(tmp_path / "a.xlsx")
    assert str(refused.value) == (
        f"{tmp_path / 'a.xlsx'}: counts cannot be written in this format.\n"
        "End the name in .json, .csv, .parquet, .html, .png or .svg."
    )
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="there is no folder"):
        Counts.check_path(tmp_path / "no" / "a.json")
    with pytest.raises(OutputError, match="this is a folder"):
        Counts.check_path(tmp_path)


def test_a_format_of_its_own(tmp_path: Path) -> None:
    plain = Plain({"a": 1, "b": 2})
    assert plain.save(tmp_path / "x.names.txt").read_text("utf-8") == "a\nb"
    assert Plain.suffixes() == (".json", ".csv", ".parquet", ".html", ".names.txt")


def test_without_a_plot_it_says_so(tmp_path: Path) -> None:
    plain = Plain({"a": 1})
    with pytest.raises(InputError, match="plain counts: there is no plot of it"):
        plain.plot()
    with pytest.raises(OutputError):
        plain.save(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", COUNTS.suffixes())
def test_a_full_disk_is_told_as_one_and_leaves_nothing(suffix: str, tmp_path: Path) -> None:
    many = Counts({f"{number * 7919 % 99_991}": number for number in range(3_000)})
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"before")
    shown = many if suffix not in (".png", ".svg", ".html") else Counts({"a" * 5_000: 1, "b": 2})
    with (
        files_up_to(1_000),
        pytest.raises(OutputError, match="it would be larger than files may be"),
    ):
        shown.save(path)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == b"before"
