"""Texts of any usual encoding and any line ends are read, or refused with the line."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headlab.errors import InputError
from headlab.files.text import (
    Remark,
    as_ascii_extending,
    decoded,
    first_lines,
    lines_with_ends,
    read_bytes,
    read_text,
)

PATH = Path("x.txt")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_lines_of_any_end(end: str, last: bool) -> None:
    data = (f"one{end}{end}two\x0b\u2028" + (end if last else "")).encode()
    assert decoded(data, PATH).lines == ["one", "", "two\x0b\u2028"]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be"]
)
def test_unicode_is_read_without_a_remark(encoding: str) -> None:
    mark = "\ufeff" if encoding.endswith(("le", "be")) else ""
    text = decoded(f"{mark}é\r\n猫".encode(encoding), PATH)
    assert (text.lines, text.remarks) == (["é", "猫"], ())


def test_a_guess_is_said_with_its_line() -> None:
    text = decoded("plain\r\n猫\r\n".encode("cp932"), PATH)
    assert (text.lines, text.encoding) == (["plain", "猫"], "cp932")
    (remark,) = text.remarks
    assert remark.about(PATH) == (
        "x.txt, line 2: This is not UTF-8, so the file was read as cp932 (Japanese Windows). "
        "If that is wrong, save it as UTF-8, or name its encoding."
    )
    assert Remark("About all of it.").about(PATH) == "x.txt: About all of it."


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a\n\x81\xff", "x.txt, line 2: the text is not UTF-8, nor in an encoding of Windows"),
        (b"a\r\nb\0c", "x.txt, line 2: this is not a text file: it has a zero byte."),
        ("a\nb".encode("utf-16-le"), "x.txt, line 1: this is not a text file: it has a zero byte."),
        (b"\xef\xbb\xbfa\nb\xff", "x.txt, line 2: not in utf-8."),
        (b"\xff\xfea\0\n\0b", "x.txt, line 2: not in utf-16-le."),
    ],
)
def test_what_is_no_text_is_refused_with_its_line(data: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        decoded(data, PATH)
    assert caught.value.message.startswith(message)


def test_an_encoding_that_is_named_counts() -> None:
    data = "写真\n".encode("euc_jp")
    assert decoded(data, PATH, "euc_jp").lines == ["写真"]
    assert decoded("\ufeffa".encode(), PATH, "utf-8").lines == ["a"]
    with pytest.raises(InputError, match=r"x\.txt, line 1: not in ascii\."):
        decoded(data, PATH, "ascii")
    for name in ("latin-99", "rot13"):
        with pytest.raises(InputError, match=f"no encoding '{name}'"):
            decoded(data, PATH, name)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none: cannot be read: there is no such file\."):
        read_bytes(tmp_path / "none")
    (tmp_path / "file").write_bytes(b"12345")
    with pytest.raises(InputError, match="there is no such file"):
        read_bytes(tmp_path / "file" / "below")
    with pytest.raises(InputError, match="is a folder, not a file"):
        read_text(tmp_path)
    with pytest.raises(InputError, match="5 bytes are too many for a text file"):
        read_text(tmp_path / "file", largest_bytes=4)
    assert read_text(tmp_path / "file", largest_bytes=5).lines == ["12345"]
    with pytest.raises(InputError, match="cannot be read"):
        read_bytes(tmp_path / "a\0b")
    with pytest.raises(InputError, match="cannot be read: File name too long"):
        read_bytes(tmp_path / ("x" * 300))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is a device or a pipe"):
        read_bytes(tmp_path / "pipe")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp932"])
def test_the_first_lines_of_a_long_file(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "long.txt"
    path.write_bytes("".join(f"写真 {number}\n" for number in range(20_000)).encode(encoding))
    lines = first_lines(path)
    assert lines[:2] == ["写真 0", "写真 1"]
    assert 1000 < len(lines) < 20_000


def test_a_file_without_text_has_no_first_lines(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\x81\xff\0" * 100)
    assert first_lines(tmp_path / "binary") == []


def test_bytes_are_split_as_the_text_is() -> None:
    data = "a\r\n表\rc\n\nd".encode("cp932")
    assert b"".join(lines_with_ends(data)) == data
    assert [part.decode("cp932").rstrip("\r\n") for part in lines_with_ends(data)] == [
        *decoded(data, PATH).lines
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_texts_that_do_not_extend_ascii_become_utf8(encoding: str) -> None:
    assert as_ascii_extending("a=1\r\n猫".encode(encoding), PATH) == "a=1\n猫\n".encode()
    plain = "a=1\r\n猫".encode("cp932")
    assert as_ascii_extending(plain, PATH) is plain


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(InputError):
        text = decoded(data, PATH)
        assert not any("\n" in line or "\r" in line for line in text.lines)
        assert not text.remarks or text.remarks[0].line in range(1, len(text.lines) + 2)


@given(st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"])))
def test_utf8_is_read_exactly(text: str) -> None:
    wanted = text.removeprefix("\ufeff").split("\n")
    assert decoded(text.encode(), PATH).lines == (wanted if wanted[-1] else wanted[:-1])
