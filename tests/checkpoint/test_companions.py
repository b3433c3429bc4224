"""The files beside a model file: where they lie, what they replace, and writing several together."""

from __future__ import annotations

from pathlib import Path

import pytest

from headlab.checkpoint.companions import beside, replacing_together, to_write
from headlab.errors import OutputError

NEW = {".cfg": b"[net]", ".names": "猫\r\n".encode("cp932")}


@pytest.mark.parametrize(
    ("model", "names"),
    [
        ("s.weights", ["s.cfg", "s.names"]),
        ("s.tiny.WEIGHTS", ["s.tiny.cfg", "s.tiny.names"]),
        ("x.weights.h5", ["x.cfg", "x.names"]),
        ("x.h5", ["x.cfg", "x.names"]),
        ("m.backup", ["m.cfg", "m.names"]),
    ],
)
def test_they_are_called_after_the_model(tmp_path: Path, model: str, names: list[str]) -> None:
    assert [path.name for path in beside(tmp_path / model, NEW)] == names
    assert list(beside(tmp_path / model, NEW).values()) == list(NEW.values())


def test_what_follows_the_stem_need_not_be_a_suffix(tmp_path: Path) -> None:
    found = beside(tmp_path / "x.h5", {"_classes.txt": b""})
    assert list(found) == [tmp_path / "x_classes.txt"]


def test_missing_ones_are_written_and_equal_ones_left_alone(tmp_path: Path) -> None:
    out, source = tmp_path / "out.weights", tmp_path / "in.weights"
    (tmp_path / "out.cfg").write_bytes(NEW[".cfg"])
    assert to_write(out, NEW, source) == {tmp_path / "out.names": NEW[".names"]}
    assert to_write(out, {}, source) == {}


def test_another_file_is_replaced_only_along_with_its_model(tmp_path: Path) -> None:
    out, source = tmp_path / "out.weights", tmp_path / "in.weights"
    (tmp_path / "out.cfg").write_bytes(b"mine")
    with pytest.raises(OutputError, match=r"out\.cfg stands where a file of out\.weights goes"):
        to_write(out, NEW, source)
    out.write_bytes(b"an older output")
    assert set(to_write(out, NEW, source)) == {tmp_path / "out.cfg", tmp_path / "out.names"}


def test_the_sources_own_are_never_replaced_by_those_of_another_output(tmp_path: Path) -> None:
    source, out = tmp_path / "m.weights", tmp_path / "m.backup"
    for path in (source, out, tmp_path / "m.cfg"):
        path.write_bytes(b"old")
    with pytest.raises(OutputError, match=r"m\.cfg belongs to .*m\.weights"):
        to_write(out, NEW, source)
    assert tmp_path / "m.cfg" in to_write(source, NEW, source)


def test_a_folder_of_that_name_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "out.cfg").mkdir()
    with pytest.raises(OutputError, match="stands where"):
        to_write(tmp_path / "out.weights", NEW, tmp_path / "in.weights")


def test_files_are_replaced_together_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        order.append(Path(target).name)
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with replacing_together([tmp_path / name for name in "abc"]) as files:
        for number, file in enumerate(files):
            file.write(bytes([number]))
    assert order == ["a", "b", "c"]
    assert [(tmp_path / name).read_bytes() for name in "abc"] == [b"\0", b"\1", b"\2"]


def write_and_stop(*paths: Path) -> None:
    with replacing_together(paths) as files:
        for file in files:
            file.write(b"new")
        raise ValueError("stop")


def test_if_one_fails_none_is_written(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(OutputError, match="no such folder"):
        write_and_stop(tmp_path / "a", tmp_path / "none" / "b")
    with pytest.raises(ValueError, match="stop"):
        write_and_stop(tmp_path / "a", tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"
