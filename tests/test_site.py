"""The documentation site: it builds without a warning, works without a network, and leaves nothing out."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from test_import_direction import LAYERS

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
LOADED_BY = {"script": "src", "img": "src", "source": "src", "iframe": "src", "link": "href"}


class Loaded(HTMLParser):
    """The addresses that a page loads by itself; links that a reader may follow do not count."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get(LOADED_BY.get(tag, ""))
        if address:
            self.addresses.append(address)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it, in another folder."""
    folder = tmp_path_factory.mktemp("site")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    recipe = re.search(r'"\$\(BIN\)/python" (-m sphinx .*)', makefile)
    assert recipe
    arguments = recipe[1].replace("build/", f"{folder}/").split()
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "https_proxy": "localhost:9", "http_proxy": "localhost:9"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "site"


def test_every_page_is_there(site: Path) -> None:
    pages = [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *DOCS.rglob("*.rst")]
    pages += (ROOT / "examples").glob("*.ipynb")
    for page in pages:
        assert (site / page.relative_to(ROOT)).with_suffix(".html").is_file(), page


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert pages
    for page in pages:
        loaded = Loaded()
        loaded.feed(page.read_text("utf-8"))
        for address in loaded.addresses:
            assert not urlsplit(address).netloc, f"{page.name} loads {address}"
            if not address.startswith("data:"):
                path = (page.parent / urlsplit(address).path).resolve()
                assert path.exists(), f"{page.name} loads {address}, which is not there"
    for style in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*['\"]?(https?:)?//", style.read_text("utf-8")), (
            style
        )


def test_a_japanese_page_leads_to_the_english_one_and_back(site: Path) -> None:
    japanese = (site / "docs" / "anchors.ja.html").read_text("utf-8")
    english = (site / "docs" / "anchors.html").read_text("utf-8")
    assert re.search(r'<html[^>]* lang="ja"', japanese)
    assert re.search(r'<html[^>]* lang="en"', english)
    assert re.search(r'class="sidebar-language"><a href="anchors.html">', japanese)
    assert re.search(r'class="sidebar-language"><a href="anchors.ja.html">', english)


@pytest.mark.parametrize(
    ("word", "page"),
    [
        ("letterbox", "docs/boxes"),
        ("検出", "docs/index.ja"),
        # クラス行 is sought as its pairs クラ, ラス and ス行
        ("ス行", "README.ja"),
    ],
)
def test_search_finds_english_and_japanese(site: Path, word: str, page: str) -> None:
    text = (site / "searchindex.js").read_text("utf-8")
    index = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))
    found = index["terms"][word]
    numbers = found if isinstance(found, list) else [found]
    assert page in [index["docnames"][number] for number in numbers]


@pytest.mark.parametrize("page", sorted((DOCS / "api").glob("*.rst")), ids=lambda page: page.stem)
def test_the_reference_has_every_public_name(page: Path) -> None:
    text = page.read_text("utf-8")
    title = text.splitlines()[0]
    for module in re.findall(r"^\.\. automodule:: (\S+)", text, re.M):
        importlib.import_module(module)
    public = set(getattr(importlib.import_module(title), "__all__", ())) - {"__version__"}
    if not re.search(rf"^\.\. automodule:: {re.escape(title)}\n(?!   :no-members:)", text, re.M):
        named = re.findall(
            rf"^\.\. auto(?:class|function):: {re.escape(title)}\.(\w+)$", text, re.M
        )
        assert public - {"anchors", "boxes", "train", "yolov3", "demo"} == set(named)


def test_the_house_has_a_floor_for_each_row_of_imports() -> None:
    picture = (DOCS / "images" / "house.svg").read_text("utf-8")
    floors: dict[str, list[str]] = {}
    for y, room in re.findall(r'class="room" x="[^"]*" y="([^"]*)">([^<]*)<', picture):
        floors.setdefault(y, []).append(room)
    assert [tuple(rooms) for rooms in floors.values()] == list(LAYERS)


def test_the_table_of_packages_has_every_package() -> None:
    design = (DOCS / "design.md").read_text("utf-8")
    table = design.partition("## The house")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\|([^|]*)\|", table, re.M))))
    assert named == {name for row in LAYERS for name in row} - {"__main__", "_version"}
