"""headlab stays offline: the switches are set before ultralytics is imported."""

from __future__ import annotations

import os
import subprocess
import sys

_SCRIPT = """
import socket
def refuse(*arguments, **options):
    raise AssertionError(f"a connection was opened: {arguments}")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
from headlab.extras import ultralytics
package = ultralytics()
utils = ultralytics("utils")
print(utils.ONLINE, utils.AUTOINSTALL, ultralytics("utils.events").events.enabled)
"""


def test_no_connection_is_opened_and_everything_is_off() -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("YOLO_")}
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        capture_output=True,
        encoding="utf-8",
        env=clean,
        check=False,
    )
    assert done.stdout.split()[-3:] == ["False", "False", "False"], done.stderr
