"""What users of other tools type gets an answer that says how it is done here."""

from __future__ import annotations

import click
import pytest

from headlab.cli.guidance import COMMANDS_ELSEWHERE, for_assignments, for_command, for_option
from headlab.cli.main import COMMANDS, app
from headlab.cli.train import train

OPTIONS = ("--conf", "--imgsz", "-o", "--save")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("predict", "headlab trace MODEL SOURCE"),
        ("VAL", "headlab evaluate MODEL DATA"),
        ("help", "headlab --help"),
        ("inspct", "Did you mean inspect?"),
        ("comapre", "Did you mean compare?"),
        ("yolov8n.pt", "headlab inspect yolov8n.pt"),
        ("xyzzyq", "Commands: inspect, edit"),
    ],
)
def test_an_unknown_command(name: str, answer: str) -> None:
    assert answer in for_command(name, COMMANDS)


def test_every_answer_names_a_command_that_there_is() -> None:
    for answer in COMMANDS_ELSEWHERE.values():
        names = [word for word in COMMANDS if f"headlab {word} " in answer]
        assert names or "headlab --help" in answer, answer


@pytest.mark.parametrize(
    ("option", "answer"),
    [
        ("--csv", "Say -o FILE.csv."),
        ("--img-size", "Say --imgsz N, or --imgsz H,W."),
        ("--conf-thres", "Say --conf."),
        ("--batch-size", ""),  # this command has no --batch
        ("--nonsense", ""),
    ],
)
def test_an_unknown_option(option: str, answer: str) -> None:
    assert for_option(option, OPTIONS) == answer


def test_one_number_of_epochs_is_one_for_each_stage() -> None:
    known = ("--stage1.epochs", "--stage2.epochs")
    assert for_option("--epochs", known) == "Say --stage1.epochs and --stage2.epochs."


@pytest.mark.parametrize(
    ("option", "answer"),
    [
        ("--weights", "Say --start FILE for the weights to begin with."),
        ("--data", "The annotations have no option: headlab train DATA."),
    ],
)
def test_an_unknown_option_of_train(option: str, answer: str) -> None:
    context = click.Context(train, **app.context_settings)
    known = [name for param in train.get_params(context) for name in param.opts]
    assert for_option(option, known) == answer


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (
            ["trace", "model=yolov8n.pt", "source=a b.jpg", "conf=0.5"],
            "headlab takes no NAME=VALUE: write yolov8n.pt 'a b.jpg' --conf 0.5.",
        ),
        (["edit", "m.pt", "--shift", "P4=1"], ""),
        (["edit", "m.pt", "--rename", "source=data"], ""),
    ],
)
def test_arguments_in_the_way_of_yolo(arguments: list[str], answer: str) -> None:
    assert for_assignments(arguments) == answer
