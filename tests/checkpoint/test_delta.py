"""A reverse delta restores the original byte by byte, whatever an edit did to the archive."""

from __future__ import annotations

import io
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headlab.checkpoint.delta import Delta, reverse_delta
from headlab.errors import CheckpointError


def archive(entries: dict[str, bytes], comment: bytes = b"") -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        for name, data in entries.items():
            out.writestr(zipfile.ZipInfo(name), data)
        out.comment = comment
    return file


def restored(delta: Delta, edited: io.BytesIO) -> bytes:
    return b"".join(delta.restored(edited, "a.pt"))


def test_equal_files_need_no_literal_bytes() -> None:
    file = archive({"m/data.pkl": b"x" * 100, "m/data/0": b"y" * 5000})
    delta = reverse_delta(file, io.BytesIO(file.getvalue()))
    assert delta.literals == b""
    assert delta.pieces == ((0, len(file.getvalue())),)


def test_a_changed_row_costs_its_own_bytes_and_the_checksums() -> None:
    old = archive({"m/data.pkl": b"x" * 100, "m/data/0": b"a" * 1000 + b"b" * 64 + b"c" * 1000})
    new = archive({"m/data.pkl": b"x" * 100, "m/data/0": b"a" * 1000 + b"B" * 64 + b"c" * 1000})
    delta = reverse_delta(old, new)
    assert restored(delta, new) == old.getvalue()
    # 64 changed bytes, and a checksum of 4 bytes in each of two headers.
    assert len(delta.literals) == 64 + 4 + 4


entries = st.dictionaries(
    st.sampled_from(["m/data.pkl", "m/data/0", "m/data/1", "m/version"]),
    st.binary(max_size=300) | st.binary(min_size=1, max_size=3).map(lambda b: b * 200),
    min_size=1,
)


@given(old=entries, new=entries, comment=st.binary(max_size=40))
def test_any_archive_is_restored_from_any_other(
    old: dict[str, bytes], new: dict[str, bytes], comment: bytes
) -> None:
    original, edited = archive(old), archive(new, comment)
    delta = reverse_delta(original, edited)
    assert restored(delta, edited) == original.getvalue()
    sizes = len(original.getvalue()), len(edited.getvalue())
    assert Delta.from_json(delta.to_json(), "a.pt.headlab.json", *sizes) == delta


@given(old=st.binary(max_size=200), new=st.binary(max_size=200), same=st.binary(max_size=200))
def test_any_file_is_restored_from_any_other(old: bytes, new: bytes, same: bytes) -> None:
    for original, edited in ((old + same, new + same), (same + old, same + new), (old, new)):
        delta = reverse_delta(io.BytesIO(original), io.BytesIO(edited))
        assert restored(delta, io.BytesIO(edited)) == original


def test_a_grown_header_or_end_costs_its_own_bytes() -> None:
    rng = np.random.default_rng(0)
    numbers = rng.bytes(1_000_000)
    for original, edited in (
        (b"short" + numbers, b"much longer" + numbers),
        (b"much longer" + numbers, b"short" + numbers),
        (numbers, numbers + b"more"),
        (numbers + b"more", numbers),
    ):
        delta = reverse_delta(io.BytesIO(original), io.BytesIO(edited))
        assert restored(delta, io.BytesIO(edited)) == original
        assert len(delta.literals) <= len(b"much longer")


def test_numbers_that_changed_behind_a_grown_header_are_found() -> None:
    numbers = np.random.default_rng(0).bytes(300_000)
    changed = numbers[:150_000] + bytes(1000) + numbers[151_000:]
    delta = reverse_delta(io.BytesIO(b"a" + numbers), io.BytesIO(b"head" + changed))
    assert restored(delta, io.BytesIO(b"head" + changed)) == b"a" + numbers
    assert len(delta.literals) <= 1 + 1000


def test_chunks_meet_without_a_seam() -> None:
    data = bytes(range(256)) * 9000  # more than two chunks of a mebibyte
    changed = bytearray(data)
    changed[1_048_570:1_048_590] = b"-" * 20  # across the first border
    old, new = archive({"m/data/0": data}), archive({"m/data/0": bytes(changed)})
    delta = reverse_delta(old, new)
    assert restored(delta, new) == old.getvalue()
    assert len(delta.literals) == 20 + 4 + 4


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"pieces": [[0, 5]]},
        {"pieces": [[0, -5]], "literals": ""},
        {"pieces": [[-2, 5]], "literals": ""},
        {"pieces": [[0.5, 5]], "literals": ""},
        {"pieces": [[True, 5]], "literals": ""},
        {"pieces": [[0]], "literals": ""},
        {"pieces": 7, "literals": ""},
        {"pieces": [[-1, 5]], "literals": "eJwDAAAAAAE="},  # compressed: nothing
        {"pieces": [], "literals": "!"},
        {"pieces": [], "literals": "AAAA"},
        {"pieces": [], "literals": 7},
        [],
    ],
)
def test_damaged_undo_data_are_refused(data: object) -> None:
    with pytest.raises(CheckpointError, match=r"a\.pt\.headlab\.json: the undo data are damaged"):
        Delta.from_json(data, "a.pt.headlab.json", 5, 5)


@pytest.mark.parametrize(
    ("pieces", "restored_bytes"),
    [
        ([[0, 5], [0, 5]], 5),  # 10 bytes of a file that had 5
        ([[0, 4]], 5),
        ([[0, 1 << 40]], 1 << 40),  # from a file of 5 bytes
        ([[1 << 70, 5]], 5),
        ([[0, 10**4000]], 5),
    ],
)
def test_pieces_make_the_original_and_no_more(pieces: list[list[int]], restored_bytes: int) -> None:
    data = {"pieces": pieces, "literals": Delta((), b"").to_json()["literals"]}
    with pytest.raises(CheckpointError, match="the undo data are damaged") as raised:
        Delta.from_json(data, "a.pt.headlab.json", restored_bytes, 5)
    assert len(raised.value.message) < 200


def test_more_literal_bytes_than_pieces_are_not_unpacked() -> None:
    huge = Delta(((-1, 1 << 24),), bytes(1 << 24)).to_json()
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match="damaged"):
            Delta.from_json({**huge, "pieces": [[-1, 10]]}, "a.pt.headlab.json", 10, 10)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_piece_past_the_end_is_refused() -> None:
    with pytest.raises(CheckpointError, match=r"a\.pt: the edited file is shorter"):
        restored(Delta(((0, 10),), b""), io.BytesIO(b"12345"))
