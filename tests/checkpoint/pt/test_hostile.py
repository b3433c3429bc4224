"""Files made to do harm are inert: no command runs, and reading ends soon with little memory."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import read_all
from hostile import BOMBS, COMMANDS, bomb_files, command_files
from pickles import stream

_READER = Path(read_all.__file__)
_MEGABYTES, _SECONDS = 500, 60

_EXECUTED = """
import pickle, sys
for line in sys.stdin:
    try:
        pickle.loads(bytes.fromhex(line))
    except Exception:
        pass
"""


def canaries(folder: Path) -> set[str]:
    return {path.name.removeprefix("canary-") for path in folder.glob("canary-*")}


def test_pythons_own_unpickler_runs_every_command(tmp_path: Path) -> None:
    """The control: were a command harmless in itself, the tests below could not fail."""
    lines = "\n".join(stream(command).hex() for command in COMMANDS.values())
    subprocess.run(
        [sys.executable, "-c", _EXECUTED], input=lines, text=True, cwd=tmp_path, check=True
    )
    for _ in range(100):  # a process that was started may still be on its way
        if canaries(tmp_path) == set(COMMANDS):
            break
        time.sleep(0.05)
    assert canaries(tmp_path) == set(COMMANDS)


def test_no_command_runs_when_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    command_files(tmp_path)
    said = {path.stem: read_all.outcome(path) for path in sorted(tmp_path.glob("*.pt"))}
    assert len(said) == 3 * len(COMMANDS)
    for name, text in said.items():
        if name.endswith("-alone"):
            assert "holds no model" in text or "holds a state dict" in text, name
        elif name.endswith("-inside"):
            assert "bias of a torch.nn.modules.module.Module is not stored as a plain" in text, name
        else:
            assert text != "read", name
    time.sleep(0.2)
    assert canaries(tmp_path) == set()
    assert len(list(tmp_path.iterdir())) == 3 * len(COMMANDS)


def test_reading_imports_nothing_that_a_file_names(tmp_path: Path) -> None:
    (tmp_path / "trap.py").write_text("open('canary-import', 'w')")
    command = b"ctrap\nThing\n)\x81"
    (tmp_path / "pickle").write_bytes(stream(command))
    code = (
        "import sys; from headlab.checkpoint.pt.unpickle import unpickle;"
        "print(unpickle(open('pickle', 'rb').read(), 'it').root, 'trap' in sys.modules)"
    )
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout == "<inert trap.Thing> False\n"
    assert canaries(tmp_path) == set()


@pytest.fixture(scope="module")
def bombs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What reading each bomb gave, in one process with little memory and time; file name -> outcome."""
    folder = tmp_path_factory.mktemp("bombs")
    bomb_files(folder)
    limits = [str(_MEGABYTES), str(_SECONDS)]
    run = [sys.executable, str(_READER), str(folder), *limits]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    for path in folder.iterdir():
        path.unlink()
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {name.removesuffix(".pt"): said for name, said, _, _ in lines}


_OUTCOMES = {
    "class names without end": "the name of class 0 is not a text",
    "compressed": "the entry 'archive/data.pkl' is compressed",
    "deep description": "has no tensors",
    "deep lists as a class name": "the name of class 0 is not a text",
    "doubling description": "is not a head of ultralytics 8",
    "doubling modules": "the modules in this file nest without end",
    "doubling tuple as a class name": "the name of class 0 is not a text",
    "empty tensor of 10**30": "does not fit storage c",
    "list in itself as description": "has no tensors",
    "long module names": "the modules in this file nest without end",
    "many sets": "more than 1000000 instructions",
    "memo numbers with equal hashes": "is out of range",
    "module in itself": "the modules in this file nest without end",
    "module in itself often": "the modules in this file nest without end",
    "modules of many empty buffers": "the modules in this file nest without end",
    "modules of many empty parameters": "the modules in this file nest without end",
    "modules of many odd children": "the modules in this file nest without end",
    "storage in another folder": "a storage is described in a way that headlab does not know",
    "storage longer than its entry": "does not fit storage c, which holds 4 elements",
    "strides of another shape": "does not fit storage c",
    "tensor far behind its storage": "does not fit storage c",
    "tensor of 10**12 elements": "does not fit storage c",
    "tensor of 10**5000 elements": "is not stored as a plain tensor",
    "tensor of many axes": "is not stored as a plain tensor",
}
"""Bombs that are not listed are read as sound networks with something inert beside them."""

_SOUND = "the model carries no description of its network"


@pytest.mark.parametrize("name", [*BOMBS, "compressed"])
def test_bombs_end_soon_with_little_memory(name: str, bombs: dict[str, str]) -> None:
    assert _OUTCOMES.get(name, _SOUND) in bombs.get(name, "the reader died before this file")
