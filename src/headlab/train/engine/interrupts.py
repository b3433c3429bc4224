"""Ctrl-C and SIGTERM as one exception.

try:
    with interruptible() as interrupts:
        ...                             raises Interrupted wherever the signal finds it
        with interrupts.in_memory():         but not in here: at its end
            save(...)
except Interrupted as stop:
    print("interrupted; continue with ...")
    return stop.exit_code               130 after Ctrl-C, 143 after SIGTERM
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """The user, or the system, asked the program to end.

    It is a KeyboardInterrupt, so that nothing takes it for a failure that may be passed over. The command
    line has to catch it itself: click takes every KeyboardInterrupt for its own.

    Attributes:
        signal: SIGINT or SIGTERM.
    """

    def __init__(self, number: int) -> None:
        self.signal = signal.Signals(number)
        super().__init__(f"interrupted by {self.signal.name}")

    @property
    def exit_code(self) -> int:
        """What shells expect: 128 and the signal's number."""
        return 128 + self.signal


class Interrupts:
    """What `interruptible` gives: the signal that has come, and places where none may break in."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._held = 0

    @contextlib.contextmanager
    def in_memory(self) -> Iterator[None]:
        """Put off an interruption to the end of the block, as for files that belong together.

        An error within the block goes before it.

        Raises:
            Interrupted: a signal came meanwhile.
        """
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        if self.received is not None and not self._held:
            raise Interrupted(self.received)

    def take(self, number: int, frame: FrameType | None) -> None:
        """Handle the first signal; the next one ends the program at once.

        Raises:
            Interrupted: unless it is held.
        """
        signal.signal(number, signal.SIG_DFL)
        if self.received is not None:
            # The other of the two: had it been set to SIG_DFL, Python would complain of one that is waiting.
            os.kill(os.getpid(), number)
        self.received = number
        if not self._held:
            raise Interrupted(number)


@contextlib.contextmanager
def interruptible() -> Iterator[Interrupts]:
    """Raise `Interrupted` at Ctrl-C and SIGTERM; a second of them kills.

    An error that a signal brings about, as in a process whose peers have ended already, is an
    interruption as well. Afterwards signals are handled as before. Outside the main thread, where no
    signal arrives, nothing is changed.

    Raises:
        Interrupted: a signal came.
    """
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    before = {each: signal.signal(each, interrupts.take) for each in _SIGNALS}
    try:
        yield interrupts
    except Exception as error:
        if interrupts.received is not None:
            raise Interrupted(interrupts.received) from error
        raise
    finally:
        for each, handler in before.items():
            # None stands for a handler that was not set from Python, which cannot be put back.
            signal.signal(each, signal.SIG_DFL if handler is None else handler)
