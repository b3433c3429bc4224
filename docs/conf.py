"""How `make docs` builds the site: Sphinx reads the repository's Markdown pages where they lie.

The source folder is the repository, so that links between README.md, docs/ and examples/ lead to the same
files on the site and in a clone. Nothing is fetched, neither by the build nor by the pages.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

from sphinx.search import languages
from sphinx.search.en import SearchEnglish

from headlab._version import __version__

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

project = "headlab"
author = "the authors of headlab"
project_copyright = "AGPL-3.0-or-later"
release = version = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/index"
include_patterns = ["*.md", "docs/**", "examples/*.md", "examples/*.ipynb"]
exclude_patterns = ["docs/conf.py", "docs/_templates", "docs/_static"]

myst_heading_anchors = 3
nb_execution_mode = "off"  # notebooks show the outputs that they are stored with; tests run them

default_role = "py:obj"
autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
python_maximum_signature_line_length = 80

html_theme = "furo"
html_title = f"headlab {release}"
html_additional_pages = {"index": "redirect.html"}
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/language.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}

JAPANESE_RUN = re.compile(r"[ぁ-ヿ一-鿿々]+")


class SearchEnglishAndJapanese(SearchEnglish):
    """Search for English words, and for Japanese text by pairs of characters, as it has no spaces."""

    js_splitter_code = r"""
var splitQuery = (query) =>
  (query.match(/[ぁ-ヿ一-鿿々]+|(?:(?![ぁ-ヿ一-鿿々])[\p{Letter}\p{Number}_])+/gu) || []).flatMap((word) =>
    /^[ぁ-ヿ一-鿿々]{3,}$/.test(word)
      ? [...word].slice(1).map((character, index) => word[index] + character)
      : [word]
  );
"""

    def split(self, input: str) -> list[str]:  # noqa: A002 - the name in Sphinx
        """English words, and the pairs of neighbouring characters of each Japanese run."""
        runs = JAPANESE_RUN.findall(input)
        pairs = [run[index : index + 2] for run in runs for index in range(max(1, len(run) - 1))]
        return super().split(JAPANESE_RUN.sub(" ", input)) + pairs


languages["en"] = SearchEnglishAndJapanese


def show_language(
    app: Sphinx, page: str, template: str, context: dict[str, Any], document: nodes.document | None
) -> None:
    """Tell a page's template its language and where the page is in the other one."""
    japanese = page.endswith(".ja")
    context["language"] = "ja" if japanese else "en"
    other = page.removesuffix(".ja") if japanese else f"{page}.ja"
    context["page_in_other_language"] = other if other in app.env.found_docs else None


LINK = re.compile(r"\[([^\]]+)\]\(([^):#]+)\.(?:md|rst|ipynb)\)")


def navigate(app: Sphinx, page: str, source: list[str]) -> None:
    """Make the front page's lists of links the site's navigation: each of its headings is a group."""
    if page != root_doc:
        return
    for section in re.split(r"^## ", source[0], flags=re.M)[1:]:
        caption, _, text = section.partition("\n")
        pages = [
            f"{title} <{posixpath.normpath(f'/docs/{link}')}>"
            for title, link in LINK.findall(" ".join(text.split()))
        ]
        lines = ["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```"]
        source[0] += "\n" + "\n".join(lines) + "\n"


IN_BACKTICKS = re.compile(r"(?<![`:])`([^`]+)`(?![`_])")
DOTTED_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def read_as_markdown(
    app: Sphinx, kind: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    """Let a docstring mean in Sphinx what its backticks, colons and indented examples mean in Markdown."""
    starts = [
        index
        for index, line in enumerate(lines)
        if kind == "module" and line.startswith("    ") and not lines[index - 1]
        if not lines[index - 2].startswith(" ")
    ]
    for index in reversed(starts):
        lines[index:index] = [".. code-block:: python" if "import" in lines[index] else "::", ""]
    for index, line in enumerate(lines):
        lines[index] = IN_BACKTICKS.sub(
            lambda code: code[0] if DOTTED_NAME.fullmatch(code[1]) else f"``{code[1]}``", line
        )
    if kind in ("attribute", "data", "property"):
        lines[:0] = [
            "..",
            "",
        ]  # else napoleon takes "The head: levels, …" for a type and its meaning


def setup(app: Sphinx) -> None:
    """Connect the functions above."""
    app.connect("source-read", navigate)
    app.connect("html-page-context", show_language, priority=400)
    app.connect("autodoc-process-docstring", read_as_markdown, priority=400)
