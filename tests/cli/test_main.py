"""`headlab` itself: its help, and how a run ends that did not go as meant."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from one_command import run

import headlab
from headlab.cli.main import COMMANDS, app

HEADLAB = (sys.executable, "-m", "headlab")
DEMO_MODEL = Path(headlab.__file__).parent / "demo" / "demo.pt"


COMPARED = ("compare", str(DEMO_MODEL), str(DEMO_MODEL), "x.jpg")


def test_the_help_lists_the_commands_in_the_order_of_the_work() -> None:
    out = run("--help").out
    listed = out[out.index("Commands:") : out.index("Examples:")].splitlines()[1:-1]
    assert [line.split()[0] for line in listed] == [
        *(
            "inspect",
            "edit",
            "diff",
            "trace",
            "compare",
            "convert",
            "boxes",
            "anchors",
            "train",
            "evaluate",
            "demo",
        )
    ]
    assert all(line.endswith(".") and not line.endswith("...") for line in listed)


def test_the_help_shows_an_example_of_each_command_that_parses() -> None:
    examples = [line.split() for line in run("--help").out.partition("Examples:")[2].splitlines()]
    assert [words[1] for words in examples if words] == list(COMMANDS)
    parent = click.Context(app, **app.context_settings)
    for _, command, *args in filter(None, examples):
        made = app.get_command(parent, command)
        assert made is not None
        if isinstance(made, click.Group):
            made, args = made.commands[args[0]], args[1:]
        made.make_context(command, args, parent=parent)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    done = run(command, "-h")
    assert done.code == 0
    assert done.out == run(command, "--help").out
    assert done.out.startswith("Usage: ")
    assert max(map(len, done.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("inspect", "MODEL"),
        ("edit", "MODEL"),
        ("diff", "MODEL_A MODEL_B"),
        ("trace", "MODEL SOURCE..."),
        ("compare", "MODEL_A MODEL_B SOURCE..."),
    ],
)
def test_the_usage_names_the_arguments(command: str, arguments: str) -> None:
    usage = run(command, "--help").out.splitlines()[0]
    assert usage.endswith(f" {command} [OPTIONS] {arguments}")


def test_the_version() -> None:
    assert run("--version").out == f"headlab {headlab.__version__}\n"


def ended(*args: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*HEADLAB, *map(str, args)], capture_output=True, encoding="utf-8", check=False, timeout=60
    )


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "Usage: headlab"),
        (("inspekt",), "There is no command 'inspekt'. Did you mean inspect?"),
        (("inspect",), "Missing argument 'MODEL'"),
        (("inspect", "m.pt", "--clas", "bird"), "No such option"),
        (("inspect", "m.pt", "n.pt"), "unexpected extra argument"),
        (("edit", "m.pt", "--at", "low"), "'low' is not a valid float"),
        (("edit", "m.pt", "--shift"), "'--shift' requires an argument"),
        (("trace", "m.pt"), "Missing argument 'SOURCE...'"),
        ((*COMPARED, "--match-iou", "2"), "match_iou is 2.0; a number"),
        ((*COMPARED, "--match-iou", "nan"), "match_iou is nan; a number"),
        (("demo", "--scenes", "0"), "not in the range 1<=x<=1000"),
        (("diff", "none.pt", "none.pt"), "headlab: none.pt: no such file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_usage(args: tuple[str, ...], message: str) -> None:
    done = ended(*args)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_an_exit_code_of_1_reaches_the_shell(tmp_path: Path) -> None:
    shifted = tmp_path / "s.pt"
    assert ended("edit", DEMO_MODEL, "--shift", "1", "-o", shifted).returncode == 0
    assert ended("diff", DEMO_MODEL, shifted).returncode == 1


def test_a_reader_who_has_gone_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        done = subprocess.run(
            [*HEADLAB, "inspect", DEMO_MODEL, "--params", "--json"],
            stdout=pipe,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_interrupt_ends_with_130() -> None:
    program = (
        "import os, signal\n"
        "from headlab import model\n"
        "from headlab.cli import main\n"
        "model.load = lambda *_, **__: os.kill(os.getpid(), signal.SIGINT)\n"
        "main.run()\n"
    )
    command = [sys.executable, "-c", program, "inspect", str(DEMO_MODEL)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 130
    assert done.stderr.strip() == "headlab: interrupted"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("option", ["--json", "--classes=platelet"])
def test_a_full_disk_behind_standard_output_is_said(option: str) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [*HEADLAB, "inspect", DEMO_MODEL, option],
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == ("headlab: standard output cannot be written: No space left on device\n")
