"""Addresses on the network where a file was expected: headlab fetches nothing, and says so at once."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/{1,2}(?=[^/])(.*)", re.I | re.S)


def web_address(path: object) -> str | None:
    """The address that was given instead of a file, as it was typed; None if it is a path.

    `pathlib` makes one slash of two; a drive's letter (`C:/photos`) is no scheme.
    """
    address = _ADDRESS.fullmatch(str(path))
    return f"{address[1]}://{address[2]}" if address else None
