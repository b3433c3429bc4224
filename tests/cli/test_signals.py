"""SIGTERM and SIGHUP end a command without leaving anything half-written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from traced_command import save_noise

Small = Callable[..., Path]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX systems")

WRITING = """
import sys, time
from pathlib import Path
from headlab.cli import main
from headlab.{module} import {name} as writing

class Hook:
    def __init__(self, *args, **kwargs):
        self.inner = writing(*args, **kwargs)
    def __enter__(self):
        value = self.inner.__enter__()
        print("writing", flush=True)
        time.sleep(60)
        return value
    def __exit__(self, *error):
        return self.inner.__exit__(*error)

import headlab.{user} as user
user.{name} = Hook
main.run()
"""


def stopped(
    program: str, args: Sequence[object], number: signal.Signals, prefix: Sequence[str] = ()
) -> tuple[int, str]:
    """Run headlab in a program that says "writing" and waits; send it a signal then."""
    command = [*prefix, sys.executable, "-c", program, *map(str, args)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        while (line := process.stdout.readline()) and line != "writing\n":
            pass
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        return process.returncode, err


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    save_noise(folder, ("a.png",))
    return folder


ATOMIC = {"module": "files.atomic", "name": "replacing"}
FOLDER = {"module": "files.folder", "name": "placed"}
TOGETHER = {"module": "checkpoint.companions", "name": "replacing_model"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda each: each.name)
@pytest.mark.parametrize(
    ("hook", "command"),
    [
        (TOGETHER | {"user": "edit.write"}, "edit MODEL --shift 1 -o OUT.pt"),
        (ATOMIC | {"user": "results.result"}, "inspect MODEL -o OUT.csv"),
        (ATOMIC | {"user": "results.result"}, "trace MODEL PHOTOS -o OUT.parquet"),
        (FOLDER | {"user": "boxes.writing"}, "boxes convert DATA OUT --to yolo"),
    ],
    ids=["edit", "inspect", "trace", "boxes convert"],
)
def test_a_signal_while_writing(
    small: Small,
    photos: Path,
    tmp_path: Path,
    hook: dict[str, str],
    command: str,
    number: signal.Signals,
) -> None:
    data = tmp_path / "train.txt"
    data.write_text("photos/a.png 1,1,40,40,0\n", "utf-8")
    places = {"MODEL": small(), "PHOTOS": photos, "DATA": data}
    home = tmp_path / "home"
    home.mkdir()
    args = [
        str(places.get(word, home / word if word.startswith("OUT") else word))
        for word in command.split()
    ]
    code, err = stopped(WRITING.format(**hook), args, number)
    assert code == 128 + number
    assert err.endswith(f"headlab: ended by {number.name}\n")
    assert "Traceback" not in err
    assert not list(home.iterdir())


def test_nohup_keeps_a_command_running(small: Small, tmp_path: Path) -> None:
    program = (
        "import os, signal\n"
        "from headlab import model\n"
        "from headlab.cli import main\n"
        "load = model.load\n"
        "def loaded(*args, **options):\n"
        "    os.kill(os.getpid(), signal.SIGHUP)\n"
        "    return load(*args, **options)\n"
        "model.load = loaded\n"
        "main.run()\n"
    )
    table = tmp_path / "t.csv"
    args = [sys.executable, "-c", program, "inspect", str(small()), "-o", str(table)]
    ignoring = (
        "import signal, os, sys\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "os.execv(sys.argv[1], sys.argv[1:])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", ignoring, *args], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    assert table.is_file()


def test_a_signal_that_comes_twice_does_not_cut_the_cleaning_up_off(tmp_path: Path) -> None:
    """`timeout` sends it to the process and to its group."""
    program = (
        "import os, signal, sys\n"
        "from headlab import model\n"
        "from headlab.cli import main\n"
        "from headlab.files.atomic import replacing\n"
        "from pathlib import Path\n"
        "def loaded(path, **options):\n"
        "    try:\n"
        "        with replacing(Path(path)) as file:\n"
        "            os.kill(os.getpid(), signal.SIGTERM)\n"
        "            raise AssertionError\n"
        "    finally:\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "        print('cleaned up', flush=True)\n"
        "model.load = loaded\n"
        "main.run()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "inspect", str(tmp_path / "m.pt")],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 143
    assert done.stdout == "cleaned up\n"
    assert done.stderr == "headlab: ended by SIGTERM\n"
    assert not list(tmp_path.iterdir())


def test_a_signal_that_was_swallowed_can_be_sent_again(tmp_path: Path) -> None:
    program = (
        "import time\n"
        "from headlab import model\n"
        "from headlab.cli import main, signals\n"
        "signals._SAME_S = 0.0\n"
        "def loaded(path, **options):\n"
        "    try:\n"
        "        print('writing', flush=True)\n"
        "        time.sleep(60)\n"
        "    except BaseException:\n"
        "        print('swallowed', flush=True)\n"
        "    time.sleep(60)\n"
        "model.load = loaded\n"
        "main.run()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, "inspect", str(tmp_path / "m.pt")],
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        for expected in ("writing\n", "swallowed\n"):
            assert process.stdout.readline() == expected
            time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == -signal.SIGTERM
