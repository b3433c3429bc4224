"""Reading a pickle inertly gives what Python's own unpickler gives, and broken bytes give one error."""

from __future__ import annotations

import contextlib
import pickle
import pickletools
import random
import struct
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pickles import get, group, listed, mapped, named, number, put, stream, text

from headlab.checkpoint.pt.archive import open_archive
from headlab.checkpoint.pt.objects import Global, Instance, OpaqueKey
from headlab.checkpoint.pt.unpickle import unpickle
from headlab.errors import CheckpointError

_SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
)
_KEYS = st.text() | st.integers(-(2**59), 2**59) | st.tuples(st.integers(0, 9))
_PLAIN = st.recursive(
    _SCALARS | st.sets(st.integers() | st.text()) | st.frozensets(st.text()),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(_KEYS, inner, max_size=5)
        | st.tuples(inner, inner)
    ),
    max_leaves=25,
)


def thawed(value: Any) -> Any:
    """Replay the few harmless calls that the inert reading only records: sets and old bytes."""
    if isinstance(value, dict):
        return {thawed(key): thawed(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(thawed, value))
    if isinstance(value, Instance):
        args = [thawed(each) for each in value.args]
        match value.cls.name:
            case "set":
                return set(args[0] if args else thawed(value.items))
            case "frozenset":
                return frozenset(args[0] if args else thawed(value.items))
            case "encode":
                return args[0].encode(args[1])
            case "bytes":
                return b""
    return value


@given(_PLAIN, st.integers(0, pickle.HIGHEST_PROTOCOL))
@settings(max_examples=300, deadline=None)
@example({"a": [1, 2.5, None, True, "ü", b"\xff", (), {1, 2}]}, 0)
@example([2**70, -(2**70), 2**31, -1, 255, 256, 65536, float("inf")], 2)
def test_equals_pickle_on_plain_data(value: Any, protocol: int) -> None:
    data = pickle.dumps(value, protocol)
    assert thawed(unpickle(data, "it").root) == pickle.loads(data)  # noqa: S301


def test_shared_objects_stay_shared() -> None:
    inner = ["x"]
    root = unpickle(pickle.dumps([inner, inner, {"k": inner}], 2), "it").root
    assert root[0] is root[1] is root[2]["k"]


def test_a_list_that_holds_itself_is_read() -> None:
    loop: list[Any] = []
    loop.append(loop)
    root = unpickle(pickle.dumps(loop, 2), "it").root
    assert root[0] is root


def test_objects_become_placeholders_with_name_arguments_and_state() -> None:
    data = stream(
        named("os", "system") + group(text("id")) + b"R" + mapped({"a": number(1)}) + b"b"
    )
    made = unpickle(data, "it").root
    assert isinstance(made, Instance)
    assert (made.cls, made.args, made.state) == (Global("os", "system"), ("id",), {"a": 1})
    assert repr(made) == "<inert os.system>"


@pytest.mark.parametrize(
    "key",
    [
        group(group(number(1))),
        number(2**60),
        text("k" * 5000),
        named("os", "system") + group() + b"R",
        b"]",
    ],
    ids=["nested tuple", "wide integer", "long text", "object", "list"],
)
def test_keys_that_are_not_short_plain_data_are_never_hashed(key: bytes) -> None:
    root = unpickle(stream(b"}" + key + number(5) + b"s"), "it").root
    assert list(root.items()) == [(OpaqueKey(1), 5)]


def test_text_ends_are_where_a_texts_opcodes_end() -> None:
    # Bytes: 0-1 protocol, 2 '}', 3 '(', 4 key J....; 9 text X + 4 + 3 bytes ends at 17, its memo
    # (r + 4 bytes) at 22; 22 key; 27 BINGET (j + 4 bytes) ends at 32; 32 'u'.
    value = b"}(" + number(0) + text("ant") + put(7) + number(1) + get(7) + b"u"
    read = unpickle(stream(value), "it")
    assert read.root == {0: "ant", 1: "ant"}
    assert read.text_ends[id(read.root)] == {0: 22, 1: 32}


def test_text_ends_of_a_list_count_its_items() -> None:
    # 2 ']', 3 '(', 4 text of 6 bytes ends at 10, 10 number ends at 15, 15 text of 6 bytes ends at 21.
    read = unpickle(stream(listed(text("a"), number(3), text("b"))), "it")
    assert read.text_ends[id(read.root)] == {0: 10, 2: 21}


def test_a_text_that_is_replaced_by_something_else_is_forgotten() -> None:
    value = b"}" + number(0) + text("ant") + b"s" + number(0) + number(5) + b"s"
    read = unpickle(stream(value), "it")
    assert read.root == {0: 5}
    assert read.text_ends[id(read.root)] == {}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "broken"),
        (b"\x80\x02", "broken"),
        (b".", "left over"),
        (stream(b"0N"), "too few values"),
        (stream(b"(1"), "values left over"),
        (stream(b"u"), "a group of values ends that never began"),
        (stream(b"(0u"), "a group of values ends that never began"),
        (stream(b"N(N"), "values left over"),
        (stream(b"N]s"), "too few values"),
        (stream(b"}(Nu"), "a key without a value"),
        (stream(b"NNNs"), "entries are set on a NoneType"),
        (stream(b"NNa"), "items are appended to a NoneType"),
        (stream(b"]}b"), "a state is set on a list"),
        (stream(named("a", "b") + b"NR"), "arguments that are not a tuple"),
        (stream(b"(o"), "an object of no class"),
        (stream(get(3)), "memo 3 is read before it is written"),
        (stream(b"Np4294967296\n"), "memo number 4294967296 is out of range"),
        (stream(number(1) + number(2) + b"\x93"), "name is not plain text"),
        (stream(named("a\x1b[31m", "b")), "name is not plain text"),
        (stream(named("a", "b" * 501)), "name is not plain text"),
        (stream(b"NQ"), "a storage is described in a way"),
        (stream(b"Pwhatever\n"), "opcode PERSID has no place"),
        (stream(b"\x82\x01"), "opcode EXT1 has no place"),
        (stream(b"\x97"), "opcode NEXT_BUFFER has no place"),
        (stream(b"((a"), "a value was expected, but a group begins there"),
        (stream(b"X\xff\xff\xff\xffabc"), "broken"),
        (stream(b"\x8d" + struct.pack("<Q", 2**63)), "broken"),
        (stream(b"L" + b"9" * 5000 + b"L\n"), "broken"),
    ],
)
def test_broken_pickles_are_explained(data: bytes, message: str) -> None:
    with pytest.raises(CheckpointError) as raised:
        unpickle(data, "model.pt")
    assert "model.pt: " in raised.value.message
    assert message in raised.value.message


def test_too_many_instructions_are_refused() -> None:
    with pytest.raises(CheckpointError, match="more than 1000000 instructions"):
        unpickle(b"\x80\x02" + b"N0" * 500_001 + b"N.", "model.pt")


@given(st.binary(max_size=200))
@settings(max_examples=500, deadline=None)
def test_random_bytes_raise_nothing_else(data: bytes) -> None:
    _read_or_refuse(data)


_OPCODE_BYTES = b"".join(op.code.encode("latin-1") for op in pickletools.opcodes)


@given(st.lists(st.sampled_from(_OPCODE_BYTES) | st.integers(0, 3), max_size=60).map(bytes))
@settings(max_examples=1000, deadline=None)
def test_random_opcodes_raise_nothing_else(data: bytes) -> None:
    _read_or_refuse(data + b".")


@given(st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_mutated_pickles_raise_nothing_else(small: Any, chance: random.Random) -> None:
    path: Path = small("yolov8")
    data = bytearray(open_archive(path).read("data.pkl"))
    at = chance.randrange(len(data))
    del data[:at]  # a tail of a real pickle is shorter to read, and starts anywhere in it
    data = bytearray(b"\x80\x02" + data[: chance.randrange(1, 4000)] + b".")
    for _ in range(chance.randrange(20)):
        data[chance.randrange(len(data))] = chance.choice(_OPCODE_BYTES)
    _read_or_refuse(bytes(data))


@given(position=st.floats(0, 1, exclude_max=True), byte=st.sampled_from(_OPCODE_BYTES))
@settings(max_examples=15, deadline=None)
def test_a_real_pickle_with_one_wrong_byte(small: Any, position: float, byte: int) -> None:
    data = bytearray(open_archive(small("yolov3-tiny")).read("data.pkl"))
    data[int(position * len(data))] = byte
    _read_or_refuse(bytes(data))


def _read_or_refuse(data: bytes) -> None:
    with warnings.catch_warnings(), contextlib.suppress(CheckpointError):
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # pickletools on odd escapes in old texts
        unpickle(data, "it")
