"""Ctrl-C, SIGTERM and SIGHUP as one exception.

try:
with interruptible() as interrupts:
...                             raises Interrupted wherever the signal arrives,
with interrupts.held_back():    but in here only at the end of the block
save(...)
except Interrupted as stop:
return stop.exit_code               130 after Ctrl-C, 143 after SIGTERM
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


class Interrupted(KeyboardInterrupt):
    """The user or the system asked the program to end.

    It is a KeyboardInterrupt, so that nothing mistakes it for a failure that may be ignored. The command
    line has to catch it itself, since click handles every KeyboardInterrupt in its own way.

    Args:
        number: the number of the signal.
        message: what was interrupted, and how to continue.

    Attributes:
        signal: SIGINT, SIGTERM or SIGHUP.
    """

    def __init__(self, number: int, message: str = "") -> None:
        self.signal = signal.Signals(number)
        super().__init__(message or f"interrupted by {self.signal.name}")

    @property
    def exit_code(self) -> int:
        """What shells expect: 128 plus the number of the signal."""
        return 128 + self.signal


class Interrupts:
    """The signal that has arrived, and blocks that no signal may interrupt; `interruptible` makes it."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._held = 0

    @contextlib.contextmanager
    def held_back(self) -> Iterator[None]:
        """Put off an interruption to the end of the block, for example for files that belong together.

        An error in the block takes precedence.

        Raises:
            Interrupted: a signal arrived meanwhile.
        """
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        if self.received is not None and not self._held:
            raise Interrupted(self.received)

    def take(self, number: int, frame: FrameType | None) -> None:
        """Handle the first signal; a second one ends the program at once.

        Raises:
            Interrupted: unless it is held back.
        """
        signal.signal(number, signal.SIG_DFL)
        if self.received is not None:
            # The second signal is of the other kind, whose handler stays until here: setting it to SIG_DFL
            # earlier would make Python complain about a signal that is waiting.
            os.kill(os.getpid(), number)
        self.received = number
        if not self._held:
            raise Interrupted(number)


@contextlib.contextmanager
def interruptible() -> Iterator[Interrupts]:
    """Raise `Interrupted` at Ctrl-C, SIGTERM and SIGHUP; a second signal kills the process.

    A signal that is ignored, as SIGHUP is under nohup, stays so.

    An error that a signal causes, for example in a process whose peers have already ended, counts as an
    interruption, too. Afterwards signals are handled as before. Outside the main thread, where no signals
    arrive, nothing is changed.

    Raises:
        Interrupted: a signal arrived.
    """
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    before = {
        number: signal.signal(number, interrupts.take)
        for number in _SIGNALS
        if signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield interrupts
    except Exception as error:
        if interrupts.received is not None:
            raise Interrupted(interrupts.received) from error
        raise
    finally:
        for number, handler in before.items():
            # None stands for a handler that was not set by Python, which cannot be restored.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
