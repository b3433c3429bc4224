"""Read a pickle as data: nothing in it is imported, nothing is called.

`instructions` splits the stream into opcodes and checks every length; the actions in `opcodes` only move
values about. A name becomes a `Global`, a call becomes an `Instance`
that records it, and the few functions that rebuild tensors become a `TensorRef`. Work and memory are
bounded by the stream's length and by `_MOST_OPCODES`: nothing is copied, multiplied, hashed or compared
that the stream built up by reference.

Reference: PEP 307 and PEP 3154 (pickle protocols 2 and 4), CPython's `pickletools`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from headlab.checkpoint.pt.instructions import instructions
from headlab.checkpoint.pt.machine import Machine
from headlab.checkpoint.pt.objects import Global
from headlab.checkpoint.pt.opcodes import ACTIONS
from headlab.errors import CheckpointError

_MOST_OPCODES = 1_000_000
"""Twenty-five times as many as in yolov8n.pt; a large training's checkpoint stays far below."""


@dataclass(eq=False)
class Pickle:
    """The result of reading a pickle.

    Attributes:
        root: the object at the top.
        text_ends: for each text set in a dict or list, the byte of the stream at which the opcodes that
            push it end: `text_ends[id(container)][key]`.
        holders: the containers that `text_ends` refers to, kept alive so that their ids stay valid.
        calls: the classes and functions that Python's own unpickler would call, in order.
        names: all that it would import, called or not, in order.
    """

    root: Any
    text_ends: dict[int, dict[Any, int]]
    holders: list[Any]
    calls: tuple[Global, ...] = ()
    names: tuple[Global, ...] = ()


def unpickle(stream: bytes, where: str) -> Pickle:
    """Read a pickle without running it.

    Args:
        stream: the pickle's bytes.
        where: what to call it in messages, such as "best.pt".

    Returns:
        the object at the top, built from plain data, `Global`, `Instance` and `TensorRef`.

    Raises:
        CheckpointError: the stream is broken, or uses an opcode that torch.save does not write.
    """
    machine = Machine(where)
    try:
        for count, (opcode, arg, position) in enumerate(instructions(stream)):
            if count == _MOST_OPCODES:
                raise CheckpointError(
                    f"{where}: the pickle inside has more than {_MOST_OPCODES} instructions.",
                    "It is not a description of a network.",
                )
            machine.position = position
            action = ACTIONS.get(opcode)
            if action is None:
                raise machine.error(f"pickle opcode {opcode} has no place in a checkpoint")
            try:
                action(machine, arg)
            except IndexError:
                raise machine.error(
                    f"the pickle inside is broken: {opcode} at byte {position} finds too few values"
                ) from None
    except (ValueError, OverflowError, MemoryError, struct.error) as error:
        raise CheckpointError(
            f"{where}: the pickle inside is broken: {error}.",
            "The file is truncated or damaged; copy or download it again.",
        ) from error
    if len(machine.stack) != 1:
        raise machine.error("the pickle inside ends with values left over")
    return Pickle(
        machine.top(),
        machine.text_ends,
        machine.holders,
        tuple(machine.calls),
        tuple(machine.names),
    )
