"""The instructions of a pickle against those that `pickletools` finds, in whole and in broken streams."""

from __future__ import annotations

import pickle
import pickletools
import random
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from headlab.checkpoint.pt.instructions import instructions

VALUE = [1, 300, -5, 70_000, 2**70, 2.5, None, True, {"a": (1, b"x" * 300, "é" * 300)}, "\udc80"]


def by_pickletools(stream: bytes) -> Iterable[tuple[str, Any, int | None]]:
    return ((opcode.name, arg, position) for opcode, arg, position in pickletools.genops(stream))


def seen(read: Callable[[bytes], Iterable[Any]], stream: bytes) -> list[Any]:
    result: list[Any] = []
    try:
        result.extend(read(stream))
    except ValueError:
        result.append("broken")
    return result


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_whole_pickles_have_the_same_instructions(protocol: int) -> None:
    stream = pickle.dumps(VALUE, protocol)
    assert list(instructions(stream)) == list(by_pickletools(stream))


@pytest.mark.parametrize("protocol", [2, 4])
def test_every_cut_is_seen_at_the_same_place(protocol: int) -> None:
    stream = pickle.dumps(VALUE, protocol)
    for end in range(len(stream)):
        assert seen(instructions, stream[:end]) == seen(by_pickletools, stream[:end])


def test_changed_bytes_are_seen_alike() -> None:
    draw = random.Random(3)  # noqa: S311
    stream = pickle.dumps(VALUE, 2)
    for _ in range(2_000):
        changed = bytearray(stream)
        for _ in range(draw.randint(1, 4)):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        assert repr(seen(instructions, bytes(changed))) == repr(
            seen(by_pickletools, bytes(changed))
        )
