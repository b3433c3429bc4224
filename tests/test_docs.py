"""Every command and every Python example in the documents runs, and prints what is shown there.

A fenced block is run if it is `console` (lines that start with `$ ` are commands, the rest is what they
print) or `python` (a program). The blocks of a page run in order, in one new folder that holds the
files in `MATERIAL`. A Japanese page, `NAME.ja.md`, must show the blocks of `NAME.md`, which run there.
An HTML comment right above a block says what is special about it:

    <!-- not run: why -->           the block is shown only
    <!-- output varies: why -->     the block runs, what it prints is not compared
    <!-- exit code 1: why -->       the last command ends with this code
    <!-- Ctrl-C after FILE: why --> the only command is interrupted as soon as this file is there; what it
                                    prints is not compared
    <!-- file: NAME -->             the block is the content of this file for the blocks below

In the shown output, a line `…` stands for any lines. Numbers with decimals may differ in their last
digits, since processors and versions of PyTorch do.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
JAPANESE = (ROOT / "README.ja.md", *sorted((ROOT / "docs").glob("*.ja.md")))
DOCS = sorted(set((ROOT / "docs").glob("*.md")) - set(JAPANESE))
PAGES = (ROOT / "README.md", ROOT / "examples" / "README.md", *DOCS)
MATERIAL = {
    "yolov8n.pt": ("weights/yolov8n.pt",),
    "eagle.jpg": ("photos/eagle.jpg",),
    "dog.jpg": ("photos/dog.jpg",),
    "2007_train.txt": ("voc2007/2007_train.txt",),
    "bccd": ("bccd",),
    "yolov3-tiny.weights": (
        "weights/yolov3-tiny.weights",
        "weights/yolov3-tiny.cfg",
        "weights/coco.names",
    ),
}
RUN = ("console", "python")
SHOWN = ("text", "json", "yaml", "csv")
FENCE = re.compile(
    r"^(?:<!-- (?P<mark>[^\n]*) -->\n)?```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.M | re.S
)
NUMBER = re.compile(r"-?\d+\.(\d+)")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it starts (`page:line`), its kind, its text, the comment above it."""

    where: str
    kind: str
    text: str
    mark: str

    @property
    def runs(self) -> bool:
        return self.kind in RUN and not self.mark.startswith("not run: ")

    @property
    def file(self) -> str:
        """The name of the file that the block is the content of; empty if it is not."""
        return self.mark.removeprefix("file: ") if self.mark.startswith("file: ") else ""

    @property
    def exit_code(self) -> int:
        found = re.match(r"exit code (\d+): ", self.mark)
        return int(found[1]) if found else 0

    @property
    def interrupted_after(self) -> str:
        """The file after whose appearance the command is interrupted; empty if it is not."""
        found = re.match(r"Ctrl-C after (\S+): ", self.mark)
        return found[1] if found else ""

    def steps(self) -> Iterator[tuple[list[str], str]]:
        """Each command, and what it is shown to print."""
        if self.kind == "python":
            yield [sys.executable, "-c", self.text], ""
            return
        first, *rest = re.split(r"^\$ ", self.text, flags=re.M)
        assert not first, f"{self.where}: a console block starts with a command"
        for step in rest:
            command, _, output = re.sub(r"\\\n", "", step).partition("\n")
            yield ["bash", "-euc", command], output


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    found = []
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start("kind")) + 1
        where = f"{page.relative_to(ROOT)}:{line}"
        found.append(Block(where, match["kind"], match["text"], match["mark"] or ""))
    return found


def same_word(shown: str, got: str) -> bool:
    """Whether two words are equal, numbers with decimals within 2 % or 2 of the last digit."""
    if shown == got:
        return True
    a, b = NUMBER.fullmatch(shown), NUMBER.fullmatch(got)
    if not a or not b:
        return False
    apart = abs(float(shown) - float(got))
    return apart <= max(0.02 * abs(float(shown)), 2.001 * 10 ** -len(a[1]))


def same_line(shown: str, got: str) -> bool:
    a, b = shown.split(), got.split()
    return len(a) == len(b) and all(map(same_word, a, b))


def prints_what_is_shown(shown: str, got: str) -> bool:
    """Whether the printed lines are the shown ones, `…` standing for any lines."""
    lines = got.rstrip().splitlines()
    parts = re.split(r"^…\n", shown.rstrip() + "\n", flags=re.M)
    at = 0
    for number, part in enumerate(parts):
        wanted = part.splitlines()
        is_last = number == len(parts) - 1
        if number == 0:
            starts = [0]
        elif is_last:
            starts = [len(lines) - len(wanted)]
        else:
            starts = list(range(at, len(lines) - len(wanted) + 1))
        for start in starts:
            here = lines[start : start + len(wanted)] if start >= at else []
            if len(here) == len(wanted) and all(map(same_line, wanted, here)):
                at = start + len(wanted)
                break
        else:
            return False
    return at == len(lines)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    blocks = [block for block in blocks_of(page) if block.runs or block.file]
    for name, sources in MATERIAL.items():
        if any(name in block.text for block in blocks):
            for source in sources:
                original = request.getfixturevalue("shared") / source
                if original.is_dir():
                    (tmp_path / name).symlink_to(original)
                    continue
                copy = shutil.copy(original, tmp_path)
                Path(copy).chmod(0o644)
    if page.parent.name == "examples":
        shutil.copytree(page.parent / "recipes", tmp_path / "recipes")
    for block in blocks:
        if block.file:
            (tmp_path / block.file).write_text(block.text, "utf-8")
            continue
        steps = list(block.steps())
        for number, (command, shown) in enumerate(steps):
            wanted_code = block.exit_code if number == len(steps) - 1 else 0
            run_step(block, command, shown, wanted_code, tmp_path)


def run_step(block: Block, command: list[str], shown: str, code: int, folder: Path) -> None:
    tools = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "80",
        "XDG_CACHE_HOME": str(folder / ".cache"),
    }
    if block.interrupted_after:
        interrupt(command, folder, environment, folder / block.interrupted_after)
        return
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if code == 2 else subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    said = f"{block.where}: {command[-1]}\n{done.stdout}{done.stderr or ''}"
    assert done.returncode == code, f"exit code {done.returncode}: {said}"
    if shown.strip() and not block.mark.startswith("output varies: "):
        assert prints_what_is_shown(shown, done.stdout), f"prints something else: {said}"


def interrupt(command: list[str], folder: Path, environment: dict[str, str], file: Path) -> None:
    """Press Ctrl-C, which goes to all processes of the command, when the file is there."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=True,
    ) as running:
        while running.poll() is None and not file.exists():
            time.sleep(0.1)
        os.killpg(running.pid, signal.SIGINT)
        said, _ = running.communicate()
    assert running.returncode == 130, f"exit code {running.returncode}: {said}"


@pytest.mark.parametrize("page", [*PAGES, *JAPANESE], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_is_of_a_known_kind(page: Path) -> None:
    for block in blocks_of(page):
        assert block.kind in (*RUN, *SHOWN), f"{block.where}: a block of kind {block.kind!r}"


@pytest.mark.parametrize("page", JAPANESE, ids=lambda page: page.name)
def test_a_japanese_page_shows_the_examples_of_the_english_one(page: Path) -> None:
    english, japanese = (
        [(block.kind, block.text) for block in blocks_of(each)]
        for each in (page.with_name(page.name.replace(".ja.", ".")), page)
    )
    assert english
    assert japanese == english


@pytest.mark.parametrize(
    ("shown", "got", "same"),
    [
        ("a b\n", "a   b\n", True),
        ("a\n…\nz\n", "a\nb\nc\nz\n", True),
        ("a\n…\n", "a\nb\n", True),
        ("…\nc\n…\n", "a\nc\nd\n", True),
        ("a\n…\nz\n", "a\nb\n", False),
        ("a\n", "a\nb\n", False),
        ("score 0.871\n", "score 0.872\n", True),  # 0.001 apart, 2 % of 0.871 is 0.017
        ("score 0.87\n", "score 0.80\n", False),
        ("class 14\n", "class 15\n", False),
    ],
)
def test_outputs_are_compared_by_words(shown: str, got: str, same: bool) -> None:
    assert prints_what_is_shown(shown, got) is same
