"""Photos' sizes from their first bytes."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from small_photos import MakePhoto

from headlab.boxes.photos import sizes
from headlab.boxes.photos.headers import Header, NotAPhoto, read_header
from headlab.boxes.photos.sizes import read_headers
from headlab.boxes.table import Problem

ORIENTATION = 0x0112


def saved(kind: str, width: int = 31, height: int = 17, orientation: int | None = None) -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    if orientation is not None:
        exif[ORIENTATION] = orientation
    options = {"exif": exif} if orientation is not None else {}
    Image.new("RGB", (width, height)).save(out, kind, **options)
    return out.getvalue()


def header(data: bytes) -> Header:
    return read_header(io.BytesIO(data))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF", "PPM"])
def test_every_kind(kind: str) -> None:
    assert header(saved(kind)) == Header(31, 17)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations(kind: str, orientation: int) -> None:
    found = header(saved(kind, orientation=orientation))
    assert found == Header(31, 17, orientation)
    # from 5 on, Exif's rows are the shown photo's columns
    assert found.upright_wh_px == ((17, 31) if orientation >= 5 else (31, 17))


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_tiff_is_upright_for_every_reader(orientation: int) -> None:
    data = saved("TIFF", orientation=orientation)
    with Image.open(io.BytesIO(data)) as photo:
        photo.load()
        assert header(data) == Header(photo.width, photo.height)


def test_progressive_and_long_headers() -> None:
    out = io.BytesIO()
    Image.new("RGB", (31, 17)).save(out, "JPEG", progressive=True, comment=b"x" * 20_000)
    assert header(out.getvalue()) == Header(31, 17)


def test_fill_bytes_and_exif_of_either_byte_order() -> None:
    for order, mark in (("<", b"II*\0"), (">", b"MM\0*")):
        tiff = mark + struct.pack(order + "IHHHII", 8, 1, ORIENTATION, 3, 1, 0)
        tiff = tiff[:-4] + struct.pack(order + "HH", 6, 0) + b"\0\0\0\0"
        segment = b"Exif\0\0" + tiff
        frame = b"\xff\xff\xff\xc0" + struct.pack(">HBHHB", 11, 8, 17, 31, 1) + b"\1\x11\0"
        data = b"\xff\xd8\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + frame
        assert header(data) == Header(31, 17, 6)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"hello", "not an image of a known kind"),
        (saved("JPEG")[:60], "cut off"),
        (saved("PNG")[:20], "cut off|header is damaged"),
        (b"\xff\xd8\xff\xd9", "does not give a size"),
        (b"\xff\xd8garbage", "damaged"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 0, 5), "0 px wide and 5 px high"),
    ],
)
def test_what_is_no_photo(data: bytes, reason: str) -> None:
    with pytest.raises(NotAPhoto, match=reason):
        header(data)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF"]).map(
        lambda kind: saved(kind, orientation=6)
    ),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6),
    st.integers(0, 2000),
)
def test_damage_raises_nothing_else(data: bytes, flips: list[tuple[int, int]], end: int) -> None:
    damaged = bytearray(data[:end] if end < 1000 else data)
    for at, value in flips:
        if at < len(damaged):
            damaged[at] = value
    try:
        found = header(bytes(damaged))
    except NotAPhoto:
        return
    assert found.width_px > 0
    assert found.height_px > 0


@pytest.mark.parametrize("slow_s", [0.0, 60.0], ids=["slow disk", "fast disk"])
def test_many_at_once(
    photo: MakePhoto, tmp_path: Path, slow_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizes, "_SLOW_S", slow_s)
    paths = [str(photo(f"{at}.png", at + 1, 5)) for at in range(70)]
    (tmp_path / "bad.png").write_bytes(b"x")
    odd = [str(tmp_path / "none.png"), str(tmp_path), str(tmp_path / "bad.png"), "a\0b", "x" * 9000]
    found = read_headers([*paths, *odd, paths[3]])
    assert found[:70] == [Header(at + 1, 5) for at in range(70)]
    assert found[-1] == Header(4, 5)
    problems = [each for each in found if isinstance(each, Problem)]
    missing = "missing-image"
    assert [each.kind for each in problems] == [missing, missing, "corrupt-image", missing, missing]
