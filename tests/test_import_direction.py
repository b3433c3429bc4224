"""The packages of headlab import in one direction only; see docs/design.md."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "headlab"

# Highest first. A package imports from itself and from lower rows, never from its own row's others.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("__main__",),
    ("cli",),
    ("__init__",),
    ("demo",),
    ("model", "run"),
    ("comparison", "conversion", "train"),
    ("inspection", "edit", "differences", "trace", "anchors", "evaluate"),
    ("runs",),
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


SOURCES = {"src/headlab": "headlab", "bench": ""}
"""Folders of modules, and the package that each is; modules of bench import each other by name."""


def modules_of(folder: Path, package: str) -> dict[str, Path]:
    """The modules in a folder: dotted name -> file; a package's name is that of its `__init__`."""
    found = {}
    for path in folder.rglob("*.py"):
        parts = [package, *path.relative_to(folder).with_suffix("").parts]
        name = ".".join(part for part in parts if part and part != "__init__")
        found[name] = path
    return found


def imported_modules(source: str, module: str, known: Collection[str]) -> set[str]:
    """The known modules that a module imports, within functions too; for type checkers alone does not count.

    Importing a module runs the packages around it as well; they do not count unless they are named.
    """
    found: set[str] = set()
    for node in running(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            home = node.module or ""
            if node.level:
                above = module.split(".")[: -node.level]
                home = ".".join([*above, home]).strip(".")
            for alias in node.names:
                inside = f"{home}.{alias.name}" if home else alias.name
                found.add(inside if inside in known else home)
    return {name for name in found if name in known and name != module}


def running(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes of a tree that are ever run."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and is_for_type_checkers(node.test):
            waiting.extend(node.orelse)
        else:
            waiting.extend(ast.iter_child_nodes(node))


def is_for_type_checkers(test: ast.expr) -> bool:
    name = test.id if isinstance(test, ast.Name) else getattr(test, "attr", "")
    return name == "TYPE_CHECKING"


def circles(imports: Mapping[str, Collection[str]]) -> list[set[str]]:
    """Groups of modules that import each other, directly or through others of the group."""
    reached = {module: reachable(imports, module) for module in imports}
    groups = {
        frozenset(other for other in reached[module] if module in reached[other])
        for module in imports
        if module in reached[module]
    }
    return [set(group) for group in groups]


def reachable(imports: Mapping[str, Collection[str]], start: str) -> set[str]:
    """The modules that one imports, directly or through others."""
    found: set[str] = set()
    new = list(imports[start])
    while new:
        module = new.pop()
        if module not in found:
            found.add(module)
            new.extend(imports[module])
    return found


@pytest.mark.parametrize(("folder", "package"), SOURCES.items())
def test_no_modules_import_each_other(folder: str, package: str) -> None:
    modules = modules_of(PACKAGE.parents[1] / folder, package)
    imports = {
        name: imported_modules(path.read_text("utf-8"), importing(name, path), modules)
        for name, path in modules.items()
    }
    found = circles(imports)
    assert not found, "move what these modules share to a module below them:\n" + "\n".join(
        " <-> ".join(sorted(group)) for group in found
    )


def importing(name: str, path: Path) -> str:
    """A module's name for relative imports, which count from the package itself in an `__init__`."""
    return f"{name}.__init__" if path.name == "__init__.py" else name


@pytest.mark.parametrize(
    ("source", "imported"),
    [
        ("import a.b", {"a.b"}),
        ("from a import b", {"a.b"}),
        ("from a.b import thing", {"a.b"}),
        ("from a import thing", {"a"}),
        ("from . import b", {"a.b"}),
        ("from .b import thing", {"a.b"}),
        ("from .. import c", {"c"}),
        ("def late():\n    from a.b import thing", {"a.b"}),
        ("if TYPE_CHECKING:\n    from a.b import thing\nelse:\n    import c", {"c"}),
        ("import torch", set()),
        ("from a import d", set()),
    ],
)
def test_imports_between_modules_are_seen(source: str, imported: set[str]) -> None:
    known = {"a.b", "a.d", "c", "a"}
    assert imported_modules(source, "a.d", known) == imported


def test_circles_are_found() -> None:
    imports = {"a": ["b"], "b": ["c"], "c": ["b", "d"], "d": [], "e": ["f"], "f": ["e", "a"]}
    assert sorted(map(sorted, circles(imports))) == [["b", "c"], ["e", "f"]]
