"""What holds for the repository as a whole."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from headlab._version import __version__

ROOT = Path(__file__).resolve().parents[1]

# A path below one of these exists on the machine where somebody worked, not on the reader's.
MACHINE_PATH = re.compile(rb"(?<![\w./~-])/(?:root|home|work|Users|mnt|private)/[\w.-]+")

# Addresses that the repository's files may name: papers, projects, licenses. No package registry:
# where packages come from is the machine's business.
KNOWN_HOSTS = {
    "arxiv.org",
    "creativecommons.org",
    "docs.pytorch.org",
    "docs.ultralytics.com",
    "example.org",
    "fsf.org",
    "docs.pola.rs",
    "github.com",
    "host.robots.ox.ac.uk",
    "keepachangelog.com",
    "pjreddie.com",
    "pytorch.org",
    "semver.org",
    "ultralytics.com",
    "www.gnu.org",
    "www.w3.org",
}
ADDRESS = re.compile(rb"https?://[^\s\"'<>)\]`]+")


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """The files in git, and those that would go in with the next commit."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs the git repository")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    paths = [ROOT / os.fsdecode(name) for name in listed.split(b"\0") if name]
    return [path for path in paths if path.is_file()]


def found_in(paths: list[Path], pattern: re.Pattern[bytes]) -> list[tuple[str, str]]:
    """Every match: `file:line` and the text."""
    found = []
    for path in paths:
        content = path.read_bytes()
        for match in pattern.finditer(content):
            line = content.count(b"\n", 0, match.start()) + 1
            where = f"{path.relative_to(ROOT)}:{line}"
            found.append((where, match.group().decode("utf-8", "replace")))
    return found


def test_no_file_names_a_path_of_somebodys_machine(tracked: list[Path]) -> None:
    assert found_in(tracked, MACHINE_PATH) == []


def test_no_file_names_an_unknown_host(tracked: list[Path]) -> None:
    texts = [path for path in tracked if b"\0" not in path.read_bytes()]
    unknown = [
        (where, address)
        for where, address in found_in(texts, ADDRESS)
        if urlsplit(address).hostname not in KNOWN_HOSTS
    ]
    assert unknown == []


@pytest.mark.parametrize("top", [b"home", b"root", b"Users", b"work"])
@pytest.mark.parametrize("before", [b"see ", b'"', b"(", b"="])
def test_a_machine_path_would_be_found(top: bytes, before: bytes) -> None:
    assert MACHINE_PATH.search(b"/".join([before, top, b"somebody", b"model.pt"]))


@pytest.mark.parametrize("text", [b"../work/x", b"a/home/b", b"/usr/bin/env", b"~/work/x"])
def test_other_paths_are_fine(text: bytes) -> None:
    assert not MACHINE_PATH.search(text)


def test_this_version_is_in_the_changelog() -> None:
    headings = re.findall(r"^## \[?([^\]\s]+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert headings[0] in (__version__, "Unreleased")
    assert __version__ in headings


@pytest.mark.parametrize("name", [".ci/run"])
def test_scripts_can_be_started(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_without_a_fitting_python_make_says_what_to_do(tmp_path: Path) -> None:
    done = subprocess.run(
        ["make", "test", f"VENV={tmp_path / 'venv'}", "PYTHON=false"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 2
    assert "Python 3.10 or later" in done.stderr
    assert "make PYTHON=" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_commit_hooks_come_from_here_only() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    assert {repository["repo"] for repository in hooks["repos"]} == {"local"}


def test_every_dependency_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    base, _, extras = text.partition("\n[project.optional-dependencies]\n")
    lists = re.findall(r"^\w+ = \[(.*?)\]$", extras.partition("\n\n")[0], re.M | re.S)
    lists += re.findall(r"^dependencies = \[(.*?)^\]", base, re.M | re.S)
    named = [re.findall(r'"([\w-]+)', each) for each in lists]
    reasons = (ROOT / "docs" / "dependencies.md").read_text("utf-8").casefold()
    assert [len(names) > 0 for names in named] == [True] * 6
    for name in {name for names in named for name in names} - {"headlab"}:
        assert re.search(rf"^\|[^|]*\b{name.casefold()}\b", reasons, re.M), name


def test_every_make_target_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / ".ci" / "run"]
    named = {
        target
        for page in pages
        for target in re.findall(r"(?:^|`|\$ )make ([a-z-]+)", page.read_text("utf-8"), re.M)
    }
    assert named
    assert named <= targets


def test_every_local_link_in_the_documents_leads_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*.md")]:
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8")):
            if not urlsplit(link).scheme:
                assert (page.parent / link).exists(), f"{page.relative_to(ROOT)} links to {link}"
