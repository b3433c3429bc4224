"""Run something as a user who may not read and write everywhere, as root may."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from headlab.errors import HeadlabError

_NOBODY = 65534


def as_nobody(folder: Path, action: Callable[[], object]) -> str:
    """What an unprivileged user is told by headlab's own error; empty if the action succeeds.

    Args:
        folder: pytest's folder for the test, whose parents are opened for that user to pass.
        action: run in a child process.
    """
    for parent in folder.parents:
        if parent == Path(tempfile.gettempdir()):
            break
        parent.chmod(parent.stat().st_mode | 0o055)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgid(_NOBODY)
                os.setuid(_NOBODY)
            action()
        except HeadlabError as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as file:
        return file.read()
