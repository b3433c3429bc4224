"""One decoder: what a deep check finds sound, a training and a trace can read, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from headlab import boxes
from headlab.boxes.photos import decoding
from headlab.boxes.photos.decoding import decoded_bgr, decoding_fault
from headlab.detect.loader import loader
from headlab.detect.sources import Source
from headlab.errors import MissingExtra, SourceError
from headlab.train.data.reading import read_rgb

SIDE_PX = 64


def noise(path: Path, mode: str = "RGB") -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (SIDE_PX, SIDE_PX, 3), np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)
    return path


def cut(path: Path, count: int) -> Path:
    """Without its last bytes."""
    path.write_bytes(path.read_bytes()[:-count])
    return path


def sixteen_bits(path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 65_535, (SIDE_PX, SIDE_PX))
    Image.fromarray(pixels.astype(np.uint16)).save(path)
    return path


def flipped(path: Path) -> Path:
    """With a wrong bit in the middle, which a PNG's checksums show."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)
    return path


def verdicts(path: Path) -> dict[str, str]:
    """What each command says of a photo; empty where it reads it."""
    (path.parent / "classes.txt").write_text("ant\n")
    text = path.parent / "train.txt"
    text.write_text(f"{path.name} 1,1,9,9,0\n")
    said = {}
    found = [each for each in boxes.check(text, deep=True) if each.kind == "corrupt-image"]
    said["check"] = found[0].message if found else ""
    try:
        read_rgb(str(path))
        said["train"] = ""
    except SourceError as error:
        said["train"] = error.message
    source = Source.of_file(path)
    if not source.is_video:  # a GIF is one
        said["trace"] = "" if list(loader([source])) else "skipped"
    return said


SOUND: dict[str, Callable[[Path], Path]] = {
    "a.png": noise,
    "a.jpg": noise,
    "a.tif": noise,
    "a.bmp": noise,
    "a.webp": noise,
    "a.gif": noise,
    "grey.png": lambda path: noise(path, "L"),
    "grey.tif": lambda path: noise(path, "L"),
    "alpha.png": lambda path: noise(path, "RGBA"),
    "alpha.tif": lambda path: noise(path, "RGBA"),
    "ink.jpg": lambda path: noise(path, "CMYK"),
    "two-colours.png": lambda path: noise(path, "1"),
    "palette.png": lambda path: noise(path, "P"),
    "deep.png": sixteen_bits,
    "deep.tif": sixteen_bits,
}


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_photo_is_sound_to_all(name: str, tmp_path: Path) -> None:
    path = SOUND[name](tmp_path / name)
    assert set(verdicts(path).values()) == {""}
    assert decoded_bgr(path).shape == (SIDE_PX, SIDE_PX, 3)


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_what_follows_a_photo_does_not_matter(name: str, tmp_path: Path) -> None:
    path = noise(tmp_path / name)
    path.write_bytes(path.read_bytes() + b"a film" * 99)
    assert verdicts(path) == {"check": "", "train": "", "trace": ""}


@pytest.mark.parametrize("count", [1, 4, 12, 13, 100, 1500])
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.bmp", "a.webp", "a.gif"])
def test_a_photo_that_is_cut_off_is_refused_by_all(name: str, count: int, tmp_path: Path) -> None:
    said = verdicts(cut(noise(tmp_path / name), count))
    assert all(said.values()), said
    # A PNG without its end decodes in Pillow, and a JPEG in some versions of OpenCV.
    if name in ("a.png", "a.jpg"):
        assert said["train"] == "the file is truncated"
        assert said["check"] == f"{tmp_path / name} cannot be decoded: the file is truncated."


@pytest.mark.parametrize(
    ("mode", "reason"),
    [("F", "its pixels are floating-point numbers"), ("I", "its pixels are numbers of 32 bits")],
)
def test_pixels_that_are_no_colours_are_refused_by_all(
    mode: str, reason: str, tmp_path: Path
) -> None:
    said = verdicts(noise(tmp_path / "a.tif", mode))
    assert said["train"].startswith(reason)
    assert said["train"] in said["check"]
    assert said["trace"]


def test_damage_within_a_photo_is_refused_by_all(tmp_path: Path) -> None:
    said = verdicts(flipped(noise(tmp_path / "a.png")))
    assert all(said.values()), said


@pytest.mark.parametrize("name", ["a.png", "float.tif"])
def test_without_ultralytics_pillow_decides_alike(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_: str) -> None:
        raise MissingExtra("Running a network", ["ultralytics"], "torch")

    sound = noise(tmp_path / "sound.png")
    bad = cut(noise(tmp_path / name), 1) if name == "a.png" else noise(tmp_path / name, "F")
    before = decoding_fault(bad)
    monkeypatch.setattr(decoding, "ultralytics", missing)
    assert decoding_fault(sound) == ""
    assert decoding_fault(bad) == before != ""
