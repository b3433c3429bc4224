"""The packages of headlab import in one direction only; see docs/design.md."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "headlab"

# Highest first. A package imports from itself and from lower rows, never from its own row's others.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("__main__",),
    ("cli",),
    ("__init__",),
    ("demo",),
    ("model",),
    ("comparison", "conversion", "train"),
    ("inspection", "edit", "differences", "trace", "anchors", "evaluate"),
    ("families",),
    ("detect",),
    ("yolov3",),
    ("boxes",),
    ("heads",),
    ("checkpoint",),
    ("results",),
    ("files",),
    ("extras",),
    ("errors", "plain_text", "_version"),
)
RANK = {name: rank for rank, row in enumerate(reversed(LAYERS)) for name in row}


def part_of(path: Path) -> str:
    """The package or top module that a source file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def parts_on_disk() -> set[str]:
    return {part_of(path) for path in PACKAGE.rglob("*.py")}


def imported_parts(source: str, package: str) -> Iterator[tuple[int, str]]:
    """The line and the part of headlab of every import, those within functions too.

    `package` is the dotted package that the source is a module of, for relative imports.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) + 1 - node.level]
            home = ".".join([*base, node.module or ""]).strip(".") if node.level else node.module
            modules = [f"{home}.{alias.name}" for alias in node.names]
        else:
            continue
        for module in modules:
            names = module.split(".")
            if names[0] == "headlab":
                part = names[1] if len(names) > 1 else "__init__"
                yield node.lineno, part if part in RANK or is_part(part) else "__init__"


def is_part(name: str) -> bool:
    return (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()


def violations(path: Path) -> list[str]:
    here = part_of(path)
    package = ".".join(["headlab", *path.relative_to(PACKAGE).parts[:-1]])
    return [
        f"{path.relative_to(PACKAGE.parent)}:{line}: {here} imports {part}"
        for line, part in imported_parts(path.read_text("utf-8"), package)
        if part != here and RANK[part] >= RANK[here]
    ]


def test_every_part_has_a_layer() -> None:
    assert parts_on_disk() <= set(RANK), (
        "give the new package a row in LAYERS and in docs/design.md"
    )


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_imports_go_down(path: Path) -> None:
    found = violations(path)
    assert not found, "these imports go against the direction in docs/design.md:\n" + "\n".join(
        found
    )


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("import headlab.cli.main", "cli"),
        ("from headlab.results.tables import show", "results"),
        ("from headlab import edit", "edit"),
        ("from headlab import load", "__init__"),
        ("import headlab", "__init__"),
        ("def late():\n    from ..trace import trace", "trace"),
        ("from . import layout", "heads"),
        ("from .layout import Layout", "heads"),
    ],
)
def test_every_spelling_of_an_import_is_seen(source: str, part: str) -> None:
    assert [found for _, found in imported_parts(source, "headlab.heads")] == [part]


def test_other_packages_do_not_count() -> None:
    assert not list(imported_parts("import torch\nfrom headlabel import x", "headlab.heads"))
