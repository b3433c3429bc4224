"""Which files beside a model belong to it."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from headlab.checkpoint.yolov3.companion_files import (
    CompanionFiles,
    find_anchors,
    find_cfg,
    find_names,
    own_cfg,
    rejected_names,
    stems,
)
from headlab.checkpoint.yolov3.data_file import names_file
from headlab.errors import CheckpointError, InputError

TWO, THREE = "ant\nbee\n", "ant\nbee\ncat\n"
SIX, NINE = "1,1, " * 6, "1,1, " * 9


def folder(path: Path, **texts: str) -> Path:
    """Write files; "__" in a keyword stands for a dot."""
    for name, text in texts.items():
        (path / name.replace("__", ".")).write_text(text, "utf-8")
    return path / "voc.weights"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("yolov3-tiny.weights", ("yolov3-tiny",)),
        ("x.weights.h5", ("x",)),
        ("x.h5", ("x",)),
        ("yolov3-tiny_final.weights", ("yolov3-tiny_final", "yolov3-tiny")),
        ("yolov3-tiny_last.weights", ("yolov3-tiny_last", "yolov3-tiny")),
        ("voc_10000.weights", ("voc_10000", "voc")),
        ("voc.backup", ("voc",)),
        ("darknet53.conv.74", ("darknet53",)),
        ("v1.2.safetensors", ("v1.2",)),
        ("model.bin", ("model",)),
        ("_final.weights", ("_final",)),
    ],
)
def test_stems(name: str, expected: tuple[str, ...]) -> None:
    assert stems(Path("folder") / name) == expected


def test_the_cfg_of_the_same_name_comes_first(tmp_path: Path) -> None:
    model = folder(tmp_path, voc__cfg="", other__cfg="")
    assert find_cfg(model) == own_cfg(model) == tmp_path / "voc.cfg"
    assert find_cfg(tmp_path / "voc_final.weights") == tmp_path / "voc.cfg"
    folder(tmp_path, VOC__cfg="")
    assert find_cfg(model) == tmp_path / "voc.cfg"


def test_else_the_only_cfg(tmp_path: Path) -> None:
    model = folder(tmp_path, other__CFG="", other__names="")
    assert find_cfg(model) == tmp_path / "other.CFG"
    assert own_cfg(model) is None


def test_of_several_cfgs_none_is_guessed(tmp_path: Path) -> None:
    model = folder(tmp_path, a__cfg="", b__cfg="")
    with pytest.raises(CheckpointError) as caught:
        find_cfg(model)
    assert (
        caught.value.message
        == f"{model}: several files next to it could be its .cfg: a.cfg, b.cfg."
    )
    assert "--cfg" in caught.value.hint


def test_nothing_beside(tmp_path: Path) -> None:
    model = folder(tmp_path)
    assert [find(model) for find in (find_cfg, find_names, find_anchors)] == [None] * 3
    assert find_names(tmp_path / "absent" / "voc.weights", 3) is None


@pytest.mark.parametrize("name", ["voc__names", "voc__classes__txt", "voc_classes__txt"])
def test_names_of_the_models_name_whatever_is_in_them(tmp_path: Path, name: str) -> None:
    model = folder(tmp_path, **{name: TWO, "coco__names": THREE})
    assert find_names(model, 3) == tmp_path / name.replace("__", ".")


@pytest.mark.parametrize("name", ["coco__names", "classes__txt", "my_classes__txt"])
def test_else_the_only_names_of_the_right_number(tmp_path: Path, name: str) -> None:
    model = folder(
        tmp_path, **{name: THREE, "two__names": TWO, "bad__names": "\n\na", "read__txt": THREE}
    )
    assert find_names(model, 3) == tmp_path / name.replace("__", ".")
    assert find_names(model, 4) is None


def test_of_several_names_none_is_guessed(tmp_path: Path) -> None:
    model = folder(tmp_path, a__names=THREE, b__names="x\ny\nz", c__names=TWO)
    with pytest.raises(CheckpointError) as caught:
        find_names(model, 3)
    expected = f"{model}: several files next to it could be its class names: a.names, b.names."
    assert caught.value.message == expected
    assert "--names" in caught.value.hint
    assert find_names(model, 2) == tmp_path / "c.names"
    with pytest.raises(CheckpointError, match="several files"):
        find_names(model)


def test_names_of_another_model_of_the_folder_come_last(tmp_path: Path) -> None:
    """What headlab wrote beside a renamed copy does not make the original ambiguous."""
    model = folder(tmp_path, coco__names=THREE, h__names="x\ny\nz", h__weights="", h__cfg="")
    assert find_names(model, 3) == tmp_path / "coco.names"
    assert find_cfg(model) == tmp_path / "h.cfg"  # there is no other
    (tmp_path / "net.cfg").write_text("")
    assert find_cfg(model) == tmp_path / "net.cfg"


def test_the_same_names_in_two_files_are_one(tmp_path: Path) -> None:
    model = folder(tmp_path, a__names=THREE, b__names=THREE.replace("\n", "\r\n"))
    assert find_names(model, 3) == tmp_path / "a.names"


def test_anchors(tmp_path: Path) -> None:
    model = folder(tmp_path, yolo_anchors__txt=NINE, tiny_yolo_anchors__txt=SIX)
    assert find_anchors(model, 6) == tmp_path / "tiny_yolo_anchors.txt"
    assert find_anchors(model, 9) == tmp_path / "yolo_anchors.txt"
    with pytest.raises(CheckpointError, match="--anchors"):
        find_anchors(model)
    folder(tmp_path, voc_anchors__txt=NINE)
    assert find_anchors(model, 6) == tmp_path / "voc_anchors.txt"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_japanese_file_names(tmp_path: Path, form: str) -> None:
    name = unicodedata.normalize(form, "ガラス")  # macOS writes ガ as カ and a mark
    (tmp_path / f"{name}.cfg").write_text("")
    (tmp_path / "other.cfg").write_text("")
    found = find_cfg(tmp_path / "ガラス.weights")
    assert found is not None
    assert found.name == f"{name}.cfg"


def test_paths_of_any_kind() -> None:
    assert CompanionFiles.of("a.cfg", None, Path("b.txt")) == CompanionFiles(
        cfg=Path("a.cfg"), anchors=Path("b.txt")
    )
    assert CompanionFiles.of() == CompanionFiles()


def test_what_lies_beside_the_file_that_a_link_leads_to(tmp_path: Path) -> None:
    real, links = tmp_path / "real", tmp_path / "links"
    real.mkdir()
    links.mkdir()
    model = folder(real, voc__weights="", voc__cfg="", coco__names=THREE, other__cfg="")
    link = links / "best.weights"
    link.symlink_to(model)
    assert find_cfg(link) == own_cfg(link) == real / "voc.cfg"
    assert find_names(link, 3) == real / "coco.names"
    folder(links, a__cfg="", b__cfg="")  # the model's own comes before these
    assert find_cfg(link) == real / "voc.cfg"
    folder(links, best__cfg="", x__names=TWO)  # and the link's own before that
    assert find_cfg(link) == links / "best.cfg"
    assert find_names(link, 2) == links / "x.names"


def test_the_names_that_a_data_file_names(tmp_path: Path) -> None:
    """names= is meant from the folder that darknet is started in: here, two above the .data file."""
    folder = tmp_path / "cfg" / "mine"
    folder.mkdir(parents=True)
    (tmp_path / "data").mkdir()
    names = tmp_path / "data" / "obj.list"
    names.write_text("ant\nbee\n")
    data = folder / "obj.data"
    data.write_text("classes= 2\n# names = x\nnames = data/obj.list\nnames = y\nbackup = b/\n")
    model = folder / "obj.weights"
    assert names_file(data) == names
    assert find_names(model, 2) == data
    assert find_names(model, 3) is None
    assert rejected_names(model, 3) == (f"{data}: 2 class names for 3 classes; not taken.",)
    names.rename(folder / "obj.list")
    assert names_file(data) == folder / "obj.list"
    assert find_names(model, 2) == data
    (folder / "obj.names").write_text("cat\ndog\n")
    assert find_names(model, 2) == folder / "obj.names"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("names = a/b\x1b.names\n", r"names=a/b\x1b.names, and there is no such file"),
        (f"labels = {'x' * 5000}\n", "labels=xxx"),
        ("classes = 2\nnames =\n", "there is no names= in it"),
        ("", "there is no names= in it"),
    ],
)
def test_a_data_file_without_names(tmp_path: Path, text: str, said: str) -> None:
    data = tmp_path / "obj.data"
    data.write_text(text)
    with pytest.raises(InputError) as caught:
        names_file(data)
    assert caught.value.message.startswith(f"{data}: {said}")
    assert find_names(tmp_path / "obj.weights", 2) is None
