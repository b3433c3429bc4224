"""Signals that are really sent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from headlab.train.engine.interrupts import Interrupted, interruptible

BOTH = pytest.mark.parametrize(
    ("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)


def handlers() -> list[object]:
    return [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]


def send(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(0.01)  # Python handles it between two of its own instructions


@BOTH
def test_a_signal_raises_where_it_comes(number: int, exit_code: int) -> None:
    before, reached = handlers(), []

    def work() -> None:
        with interruptible():
            send(number)
            reached.append("behind it")

    with pytest.raises(Interrupted) as caught:
        work()
    assert not reached
    assert caught.value.exit_code == exit_code
    assert isinstance(caught.value, KeyboardInterrupt)
    assert handlers() == before


@BOTH
def test_a_held_signal_raises_at_the_end_of_the_block(number: int, exit_code: int) -> None:
    done = []

    def work() -> None:
        with interruptible() as interrupts:
            with interrupts.held_back():
                with interrupts.held_back():
                    send(number)
                    done.append("inner")
                done.append("outer")
            done.append("behind")

    with pytest.raises(Interrupted) as caught:
        work()
    assert done == ["inner", "outer"]
    assert caught.value.exit_code == exit_code


def test_without_a_signal_nothing_happens() -> None:
    before = handlers()
    with interruptible() as interrupts, interrupts.held_back():
        pass
    assert interrupts.received is None
    assert handlers() == before


def test_an_error_of_its_own_stays_one() -> None:
    before = handlers()
    with pytest.raises(ValueError, match="mine"), interruptible():
        raise ValueError("mine")
    assert handlers() == before


def test_an_error_behind_a_signal_is_an_interruption() -> None:
    def work() -> None:
        with interruptible() as interrupts, interrupts.held_back():
            send(signal.SIGTERM)
            raise RuntimeError("Connection closed by peer")

    with pytest.raises(Interrupted) as caught:
        work()
    assert caught.value.exit_code == 143
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_another_thread_is_left_alone() -> None:
    before, found = handlers(), []

    def work() -> None:
        with interruptible():
            found.append(handlers())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [before]


TWICE = """
import sys, time
from headlab.train.engine.interrupts import interruptible
with interruptible() as interrupts, interrupts.held_back():
    print("ready", flush=True)
    while interrupts.received is None:
        time.sleep(0.01)
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_kills(second: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", TWICE], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
        run.send_signal(signal.SIGINT)
        assert run.stdout.readline() == "held\n"
        run.send_signal(second)
        assert run.wait(30) == -second
