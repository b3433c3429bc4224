"""Class names in any usual encoding reach the model as they are, and a guess is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from headlab.checkpoint.yolov3.companion_files import CompanionFiles
from headlab.edit.apply import apply
from headlab.edit.plan import plan
from headlab.edit.recipe import from_data
from headlab.edit.write import save
from headlab.errors import InputError
from headlab.families.identify import identify
from headlab.families.read import read
from yolov3_models import random_model, saved

NAMES = {
    "utf-8": ("élan", "猫", "개"),
    "utf-16": ("élan", "猫", "개"),
    "cp932": ("蟻", "蜂", "猫"),
    "cp949": ("개미", "벌", "고양이의꿈"),
    "cp1252": ("fourmi", "élan", "éléphant de mer"),
}


@pytest.mark.parametrize("suffix", [".weights", ".h5"])
@pytest.mark.parametrize(("encoding", "names"), NAMES.items())
def test_named_files_of_class_names(
    tmp_path: Path, suffix: str, encoding: str, names: tuple[str, ...]
) -> None:
    path = saved(random_model(), tmp_path / f"m{suffix}")
    if suffix == ".h5":
        without_headlabs_description(path)
    given = tmp_path / "given.txt"
    given.write_bytes("\r\n".join(names).encode(encoding))
    model = read(path, CompanionFiles(names=given))
    assert model.class_names == names
    if encoding in ("utf-8", "utf-16"):
        assert model.names_remarks == ()
    else:
        (remark,) = model.names_remarks
        first = next(at for at, name in enumerate(names, start=1) if not name.isascii())
        assert remark.startswith(f"{given}, line {first}: This is not UTF-8, so")
        assert f"read as {encoding} (" in remark


def without_headlabs_description(path: Path) -> None:
    import h5py

    with h5py.File(path, "r+") as file:
        del file["headlab"]


def test_names_that_are_found_are_read_alike(tmp_path: Path) -> None:
    path = saved(random_model(), tmp_path / "m.weights")
    (tmp_path / "m.names").write_bytes("\n".join(NAMES["cp1252"]).encode("cp1252"))
    model = read(path)
    assert model.class_names == NAMES["cp1252"]
    assert len(model.names_remarks) == 1


def test_what_is_no_text_is_refused_with_its_line(tmp_path: Path) -> None:
    path = saved(random_model(), tmp_path / "m.weights")
    (tmp_path / "m.names").write_bytes(b"ant\nbee\n\x81\xff")
    with pytest.raises(InputError, match=r"m\.names, line 3: the text is not UTF-8, nor in"):
        read(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp932"])
def test_a_cfg_in_any_encoding_can_be_edited(tmp_path: Path, encoding: str) -> None:
    path = saved(random_model(), tmp_path / "m.weights")
    cfg = tmp_path / "m.cfg"
    text = "# 学習\n" + cfg.read_text()
    cfg.write_bytes(text.encode(encoding))
    model = read(path)
    assert model.names_remarks == ()  # only ASCII counts in a cfg
    recipe = from_data({"version": 1, "operations": [{"op": "keep", "classes": ["bee"]}]})
    save(apply(model, plan(model, identify(model), recipe)), tmp_path / "one.weights", [recipe])
    assert read(tmp_path / "one.weights").class_names == ("bee",)
    written = "utf-8" if encoding == "utf-16" else encoding
    assert (tmp_path / "one.cfg").read_bytes().startswith("# 学習\n".encode(written))
