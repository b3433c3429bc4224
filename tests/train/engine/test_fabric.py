"""Processes and devices: which process talks, what is refused, what is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from headlab.errors import InputError
from headlab.train.configuration.config import TrainConfig
from headlab.train.engine.fabric import fabric_for, launched
from headlab.train.processes import is_first

RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK")


@pytest.mark.parametrize(
    ("environment", "first"),
    [
        ({}, True),
        ({"LOCAL_RANK": "0", "NODE_RANK": "0"}, True),
        ({"LOCAL_RANK": "1"}, False),
        ({"NODE_RANK": "1"}, False),
        ({"LOCAL_RANK": "0", "GROUP_RANK": "2"}, False),
        ({"RANK": "0", "LOCAL_RANK": "0"}, True),
        ({"RANK": "3", "LOCAL_RANK": "0"}, False),
    ],
)
def test_the_first_process_is_known_before_the_launch(
    environment: dict[str, str], first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in RANKS:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert is_first() is first


def test_importing_it_does_not_import_lightning() -> None:
    code = "import sys, headlab.train.engine.fabric; sys.exit('lightning_fabric' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_one_process_on_a_cpu(capfd: pytest.CaptureFixture[str]) -> None:
    names = (*RANKS, "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    before = [os.environ.get(name) for name in names]
    with launched(TrainConfig(device="cpu", precision="bf16-mixed")) as fabric:
        assert (fabric.world_size, fabric.device.type) == (1, "cpu")
        model = fabric.setup(torch.nn.Linear(2, 2))
        assert model(torch.ones(1, 2)).dtype == torch.float32
    assert [os.environ.get(name) for name in names] == before
    assert capfd.readouterr() == ("", "")


def test_debug_means_one_process() -> None:
    config = TrainConfig(device="cpu", devices=4, num_nodes=2, debug=True)
    assert fabric_for(config).world_size == 1


def gpus(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)


@pytest.mark.parametrize(
    ("count", "config", "message", "hint"),
    [
        (0, {"device": "cuda"}, "PyTorch sees no GPU here", "--device cpu"),
        (
            1,
            {"device": "cuda", "devices": 2},
            "devices is 2, and PyTorch sees 1 GPU",
            "--devices 1",
        ),
        (2, {"devices": 3}, "devices is 3, and PyTorch sees 2 GPUs", "--devices 2"),
        (2, {"device": "cuda:2"}, "device is cuda:2, and PyTorch sees 2 GPUs", "--device cuda:1"),
        (0, {"device": "cuda:0"}, "device is cuda:0, and PyTorch sees no GPU", "--device cpu"),
        (0, {"precision": "16-mixed"}, "half precision needs a GPU", "bf16-mixed"),
    ],
)
def test_what_this_machine_cannot_do_is_refused(
    count: int,
    config: dict[str, Any],
    message: str,
    hint: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gpus(monkeypatch, count)
    with pytest.raises(InputError) as caught:
        fabric_for(TrainConfig(**config))
    assert message in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.skipif(sys.platform == "win32", reason="other compilers there")
@pytest.mark.parametrize("named", [None, "no-such-compiler"])
def test_compiling_needs_a_compiler(
    named: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    if named:
        monkeypatch.setenv("CXX", named)
    config = TrainConfig(device="cpu", compile=True)
    with pytest.raises(InputError, match=r"compile needs a C\+\+ compiler") as caught:
        fabric_for(config)
    assert (named or "g++") in caught.value.message
    compiler = tmp_path / (named or "g++")
    compiler.write_text("")
    compiler.chmod(0o755)
    assert fabric_for(config).world_size == 1


PROGRAM = """
import os, sys, time
import torch
from headlab.train.configuration.config import TrainConfig
from headlab.train.engine.fabric import launched
from headlab.train.processes import is_first
from headlab.train.engine.interrupts import Interrupted, interruptible

def main():
    try:
        with interruptible(), launched(TrainConfig(device="cpu", devices=2)) as fabric:
            ids = torch.zeros(2)
            ids[fabric.global_rank] = os.getpid()
            ids = fabric.all_reduce(ids, reduce_op="sum")
            if is_first():
                print(*(int(each) for each in ids), flush=True)
            while True:
                fabric.all_reduce(torch.zeros(1))
    except Interrupted as stop:
        return stop.exit_code if is_first() else 0

if __name__ == "__main__":
    sys.exit(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interruption_ends_both_processes_without_a_word(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    environment = {name: value for name, value in os.environ.items() if name not in RANKS}
    with subprocess.Popen(
        [sys.executable, str(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        ids = [int(each) for each in run.stdout.readline().split()]
        assert ids[0] == run.pid
        run.send_signal(signal.SIGTERM)  # to the first alone
        assert run.wait(60) == 143
        assert run.stdout.read() == ""
        assert run.stderr.read() == ""
    with pytest.raises(ProcessLookupError):
        os.kill(ids[1], 0)
