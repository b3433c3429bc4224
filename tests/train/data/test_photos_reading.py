from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from photo_files import write_photo
from PIL import Image

from headlab.errors import SourceError
from headlab.train.data.reading import read_rgb


def refused(path: Path) -> str:
    with pytest.raises(SourceError) as error:
        read_rgb(str(path))
    return error.value.message


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_red_is_first(tmp_path: Path) -> None:
    Image.new("RGB", (4, 3), (250, 120, 10)).save(tmp_path / "a.png")
    pixels = read_rgb(str(tmp_path / "a.png"))
    assert pixels.shape == (3, 4, 3)
    assert pixels.dtype == np.uint8
    assert (pixels == (250, 120, 10)).all()


def test_grey_becomes_three_channels(tmp_path: Path) -> None:
    Image.new("L", (4, 3), 77).save(tmp_path / "a.png")
    assert (read_rgb(str(tmp_path / "a.png")) == np.full((3, 4, 3), 77)).all()


@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_a_photo_that_is_cut_off_is_refused(tmp_path: Path, name: str) -> None:
    path = write_photo(tmp_path / name, 200, 150)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 3 // 4])
    assert refused(path) == "the file is truncated"


def test_what_follows_the_end_of_a_photo_does_not_matter(tmp_path: Path) -> None:
    """As in photos of telephones that carry a film."""
    path = write_photo(tmp_path / "a.jpg")
    before = read_rgb(str(path))
    path.write_bytes(path.read_bytes() + b"a film" * 100)
    assert (read_rgb(str(path)) == before).all()


def test_what_is_no_photo_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    assert refused(path) == "No such file or directory"
    path.write_bytes(b"")
    assert refused(path) == "the file is empty"
    path.write_bytes(b"a text of some length, and no photo")
    assert refused(path) == "it is not an image of a known kind"
    assert refused(tmp_path) == "Is a directory"


def test_an_absurd_size_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + data)
    assert refused(tmp_path / "a.png") == "it claims 50000 x 50000 px"
