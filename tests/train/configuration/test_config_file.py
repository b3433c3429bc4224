"""Configuration files: read, written, compared, and every mistake in them named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from headlab.errors import HeadlabError, InputError, OutputError, UnknownName
from headlab.train.configuration.config import DataConfig, TrainConfig
from headlab.train.configuration.file import (
    differences,
    dotted,
    dump,
    flat,
    load,
    loads,
    names,
    save,
)
from train_configs import configs


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(configs())
def test_what_is_written_is_read_again(config: TrainConfig) -> None:
    assert loads(dump(config)) == config


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "train.yaml"
    path.write_text(
        "data: {train: 写真, train_split: train}\n"
        "batch: 4\nimgsz: 320\nstage1:\n  lr: 1e-3\n  epochs: 5\nanchors: [[10, 14], [23, 27]]\n",
        "utf-8",
    )
    config = load(path, {"stage1.epochs": "7", "start": None, "imgsz": "320,416"})
    assert (config.data.train, config.batch, config.imgsz) == ("写真", 4, (320, 416))
    assert (config.stage1.lr, config.stage1.epochs, config.stage1.freeze) == (1e-3, 7, "auto")
    assert config.anchors == ((10, 14), (23, 27))


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").touch()
    assert load(tmp_path / "empty.yaml") == load() == TrainConfig()


def test_a_saved_file_names_every_value_once(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    save(TrainConfig(), path)
    text = path.read_text("utf-8")
    keys = [line.strip().partition(":")[0] for line in text.splitlines() if ":" in line]
    last = [name.rpartition(".")[2] for name in names(TrainConfig)]
    assert sorted(keys) == sorted([*last, "data", "stage1", "stage2", "augment", "loss"])
    assert load(path) == TrainConfig()
    assert max(map(len, text.splitlines())) <= 100


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no such folder"):
        save(TrainConfig(), tmp_path / "none" / "config.yaml")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("batch: 4\nbacth: 4", "line 2: there is no setting 'bacth'", "'batch'"),
        ("stage1:\n  epoch: 4", "line 2: there is no setting 'stage1.epoch'", "'epochs'"),
        ("5: 4", "there is no setting '5'", "Known here: data, variant"),
        ("stage1:\n  epochs: many", "line 2: stage1.epochs is 'many'; a whole number", "0 skips"),
        ("stage1: {epochs: 1.5}", "stage1.epochs is 1.5; a whole number is expected", ""),
        ("stage1: {epochs: -1}", "it should be greater than or equal to 0", ""),
        (
            "stage1: {freeze: body}",
            "'auto', 'heads-only', 'backbone' or 'none'",
            "last convolutions",
        ),
        ("stage1: 3", "line 1: stage1 is 3; a group of values is expected", ""),
        ("stage1:", "stage1 is None; a group of values is expected", ""),
        ("seed: .nan", "seed is nan; ", ""),
        ("batch: yes", "batch is 'true'; a whole number is expected", ""),
        ("stage1: {lr: off}", "stage1.lr is 'false'; a number is expected", ""),
        ("anchors: [[1, 2], [3, 1.0e+300]]", "anchors contains 1e+300; ", ""),
        ("debug: 2", "debug is 2; true or false is expected", ""),
        ("data: {train: 2007}", "data.train is 2007; a text is expected, in quotes", ""),
        ("anchors: 5", "anchors is 5; a list is expected", "fit: fitted to the training boxes"),
        ("anchors: [[1, 2], [3, -4]]", "anchors contains -4; it should be greater than 0", ""),
        ("anchors: [1, 2, 3]", "anchors: 3 numbers are not pairs", ""),
        ("masks: [[a]]", "masks contains 'a'; a whole number is expected", "coarsest first"),
        ("imgsz: 99999999999999999968", "imgsz 99999999999999999968 px: at most 65536 px", ""),
        ("imgsz: [1, 2, 3]", "imgsz is [1, 2, 3]; fewer values are expected", ""),
        ("formats: []", "formats is []; more values are expected", ""),
        ("imgsz: 100", "train.yaml: imgsz 100,100: height and width", ""),
        ("augment: {scale_min: 9}", "line 1: augment: scale_min 9 is larger", ""),
        ("- batch", "names and values are expected, and this is [batch]", "batch: 8"),
        ("batch: 4\nbatch: 5", "line 2: duplicate key 'batch', first in line 1", "YAML"),
        ("batch: [", "line 1: ", "A configuration is a YAML file"),
        (
            "batch: !!python/object:os.system x",
            "line 1: the tag !!python/object:os.system is not read here",
            "",
        ),
    ],
)
def test_mistakes_in_a_file(text: str, message: str, hint: str, tmp_path: Path) -> None:
    path = tmp_path / "train.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError) as raised:
        load(path)
    assert raised.value.message.startswith(str(path))
    assert message in raised.value.message
    assert hint in raised.value.hint


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp932"])
def test_a_file_in_any_encoding(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "train.yaml"
    path.write_bytes("batch: 4\ndata: {train: 写真}\n".encode(encoding))
    config = load(path)
    assert (config.batch, config.data.train) == (4, "写真")
    if encoding == "cp932":
        (remark,) = config.remarks
        assert remark.startswith(
            f"{path}, line 2: This is not UTF-8, so the file was read as cp932"
        )
        assert config.model_copy(update={"batch": 8}).remarks == (remark,)
    else:
        assert config.remarks == ()


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.yaml: cannot be read"):
        load(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"batch": "x"}, "batch is 'x'; a whole number is expected"),
        ({"stage1.lr": 0}, "stage1.lr is 0; it should be greater than 0"),
        ({"monitor": "AP", "evaluate_every": 0}, "monitor is AP, which evaluate_every 0 never"),
    ],
)
def test_a_mistake_in_what_goes_before_the_file_does_not_name_the_file(
    overrides: dict[str, Any], message: str
) -> None:
    with pytest.raises(HeadlabError) as raised:
        load(None, overrides)
    assert raised.value.message.startswith(message)


def test_a_contradiction_of_file_and_options_names_both(tmp_path: Path) -> None:
    path = tmp_path / "train.yaml"
    path.write_text("monitor: AP")
    with pytest.raises(InputError, match=r"train\.yaml and the options: monitor is AP"):
        load(path, {"evaluate_every": 0})


def test_an_unknown_name_among_the_overrides() -> None:
    with pytest.raises(UnknownName, match=r"no setting 'stage1\.epoch'") as raised:
        load(None, {"stage1.epoch": 3})
    assert "'stage1.epochs'" in raised.value.hint


def test_an_override_within_a_section_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "train.yaml"
    path.write_text("stage1: fast")
    with pytest.raises(InputError, match="stage1 is fast, and a group of values is expected"):
        load(path, {"stage1.epochs": 3})


def test_nested_values_have_dotted_names() -> None:
    values = {"batch": 4, "stage1": {"epochs": 3, "lr": 0.1}, "data": DataConfig(train="a.txt")}
    by_name = dotted(values)
    assert by_name == {
        "batch": 4, "stage1.epochs": 3, "stage1.lr": 0.1,
        **{f"data.{name}": value for name, value in DataConfig(train="a.txt")},
    }  # fmt: skip
    config = load(None, by_name)
    assert (config.batch, config.stage1.epochs, config.data.train) == (4, 3, "a.txt")
    assert config.stage1.freeze == "auto"  # of a dictionary, the rest stays
    with pytest.raises(InputError, match=r"stage1 is 3; a group of values is expected") as raised:
        dotted({"stage1": 3})
    assert "epochs, freeze" in raised.value.hint


def test_a_configuration_can_be_changed_like_a_file() -> None:
    config = TrainConfig(stage1={"epochs": 4}, batch=2)
    changed = load(config, {"batch": 3, "stage2.lr": "0.5"})
    assert (changed.batch, changed.stage1.epochs, changed.stage2.lr) == (3, 4, 0.5)
    assert load(config) is config


def test_differences_name_field_and_both_values() -> None:
    before = load(None, {"anchors": "10,14/23,27"})
    after = load(None, {"stage1.epochs": 3, "start": "a.weights"})
    assert differences(before, after) == [
        "start: null before, a.weights now",
        "anchors: [[10.0, 14.0], [23.0, 27.0]] before, start now",
        "stage1.epochs: 50 before, 3 now",
    ]
    assert differences(before, before) == []


def test_every_value_has_its_dotted_name() -> None:
    assert list(flat(TrainConfig())) == names(TrainConfig)
    assert {"data.train", "imgsz", "stage2.lr_factor", "augment.mosaic"} < set(names(TrainConfig))
