"""SIGTERM and SIGHUP end a command as Ctrl-C does: what it was writing is cleaned up, and it says so."""

from __future__ import annotations

import os
import signal
import time
from types import FrameType

_NAMES = ("SIGTERM", "SIGHUP")  # Windows has no SIGHUP
_SAME_S = 2.0
"""`timeout` and terminals that close send a signal to the process and to its group: it comes twice."""


class EndedBySignal(SystemExit):
    """The system asked the program to end. No handler of errors takes it for one of them."""


class EndingSignals:
    """The signals that end a command; a signal that was ignored, as under nohup, stays so.

    Attributes:
        received: the one that arrived.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._at = 0.0
        for name in _NAMES:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, self._take)

    @property
    def exit_code(self) -> int:
        """What shells expect: 128 plus the number of the signal; 0 if none arrived."""
        return 0 if self.received is None else 128 + self.received

    def _take(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.received is None:
            self.received, self._at = signal.Signals(number), now
            raise EndedBySignal(128 + number)
        if now - self._at > _SAME_S:  # cleaning up hangs, or something has swallowed the first
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
