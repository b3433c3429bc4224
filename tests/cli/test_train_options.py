"""The options of `headlab train`: each value of the configuration, read back as it was."""

from __future__ import annotations

from typing import Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from one_command import run

from headlab.cli.train_options import (
    ConfigCommand,
    ConfigOption,
    config_options,
    given_values,
    nested,
    option_texts,
)
from headlab.train.configuration.config import TrainConfig
from headlab.train.configuration.file import dotted, flat, load, names
from train_configs import changed, configs


def parsed(args: list[str]) -> dict[str, Any]:
    """The values that options give."""
    got: dict[str, Any] = {}

    @click.command(cls=ConfigCommand)
    @click.pass_context
    def command(ctx: click.Context, /, **_: Any) -> None:
        got.update(given_values(ctx))

    result = CliRunner().invoke(command, args)
    assert result.exit_code == 0, result.output
    return got


def test_every_value_is_an_option_named_as_in_yaml() -> None:
    made = list(config_options())
    assert sorted(each.dotted for each in made) == sorted(names(TrainConfig))
    by_name = {each.dotted: each for each in made}
    assert by_name["stage1.lr_factor"].opts == ["--stage1.lr-factor"]
    assert by_name["num_nodes"].opts == ["--num-nodes"]
    assert by_name["augment.enabled"].secondary_opts == ["--augment.no-enabled"]


def test_only_what_was_given_is_there() -> None:
    assert parsed([]) == {}
    assert parsed(["--stage1.epochs", "50", "--no-debug"]) == {"stage1.epochs": 50, "debug": False}


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(configs())
def test_options_give_back_what_they_were_made_of(config: TrainConfig) -> None:
    values = parsed(option_texts(flat(config)))
    assert load(None, values) == config
    assert load(None, parsed(option_texts(changed(config)))) == config


@pytest.mark.parametrize(
    ("args", "values"),
    [
        (["--imgsz", "320"], {"imgsz": (320, 320)}),
        (["--imgsz", "320,608"], {"imgsz": (320, 608)}),
        (["--anchors", "10,14/23,27"], {"anchors": ((10, 14), (23, 27))}),
        (["--anchors", "a/b.txt"], {"anchors": "a/b.txt"}),
        (["--masks", "3,4,5/0,1,2"], {"masks": ((3, 4, 5), (0, 1, 2))}),
        (["--formats", "h5,darknet"], {"formats": ("h5", "darknet")}),
        (["--stage2.lr", "1e-4"], {"stage2.lr": 1e-4}),
        (["--compat", "none", "--start", "none"], {"compat": None, "start": None}),
        (["--stage1.freeze", "none"], {"stage1.freeze": "none"}),
        (["--loss.focal-alpha", "none"], {"loss.focal_alpha": None}),
        (["--augment.no-enabled", "--debug"], {"augment.enabled": False, "debug": True}),
        (["--data.train", "x"], {"data.train": "x"}),
        (["--data.names", "classes.txt"], {"data.names": "classes.txt"}),
        (["--device", "cuda:1"], {"device": "cuda:1"}),
        (["--device", "0"], {"device": "cuda:0"}),
    ],
)
def test_values_are_read(args: list[str], values: dict[str, Any]) -> None:
    assert parsed(args) == values


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--batch", "many"], "Invalid value for '--batch': 'many': a whole number is expected."),
        (["--batch", "0"], "'--batch': '0': it should be greater than or equal to 1."),
        (["--stage1.lr", "fast"], "'--stage1.lr': 'fast': a number is expected."),
        (["--stage1.freeze", "body"], "'auto', 'heads-only', 'backbone', 'none'"),
        (["--monitor", "none"], "'none' is not one of"),
        (["--imgsz", "1,2,3"], "fewer values are expected"),
        (["--anchors", "1,2,3"], "3 numbers are not pairs of width and height"),
        (["--anchors", "10,-14/23,27"], "-14.0 in '10,-14/23,27': it should be greater than 0"),
        (["--masks", "1,a/0"], "'a' in '1,a/0': a whole number is expected"),
        (["--formats", "pt"], "'safetensors', 'darknet' or 'h5'"),
        (["--stage1.epoch", "3"], "--stage1.epochs"),
        (["--device", "gpu"], "'gpu' is not auto, cpu, cuda, or one GPU such as cuda:0"),
        (["--augment.mosaic"], "'--augment.mosaic' requires an argument"),
    ],
)
def test_wrong_values_are_refused(args: list[str], message: str) -> None:
    done = run("train", "boxes.txt", *args)
    assert done.code == 2
    assert message in done.err


def test_options_are_arguments_of_the_call_in_python() -> None:
    values = parsed(
        ["--batch", "4", "--stage1.epochs", "3", "--stage1.lr", "0.1", "--start", "none"]
    )
    assert nested(values) == {"batch": 4, "stage1": {"epochs": 3, "lr": 0.1}, "start": None}
    assert dotted(nested(values)) == values


def test_the_help_is_readable_and_complete() -> None:
    out = run("train", "--help").out
    headings = [
        line for line in out.splitlines() if line.endswith(":") and not line.startswith(" ")
    ]
    assert headings == [
        *("Options:", "Training:", "Photos and boxes:", "Stage 1:", "Stage 2:"),
        *("Augmentation:", "Loss:"),
    ]
    assert max(map(len, out.splitlines())) <= 80
    words = " ".join(out.split())
    for option in config_options():
        assert isinstance(option, ConfigOption)
        if not option.hidden:
            assert option.opts[0] in words
            assert option.help is not None
            assert " ".join(option.help.split()) in words
    assert words.count("[default: 0.0001]") == 1  # of --stage2.lr; stage 1 has its own
    assert "[default: none]  " not in out
