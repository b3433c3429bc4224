"""Options that several commands share: each is declared once, and means the same in every command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from headlab.boxes.formats.format import FORMAT_NAMES
from headlab.errors import InputError

if TYPE_CHECKING:
    from headlab.boxes.input_size import InputSize

Command = TypeVar("Command", bound=Callable[..., Any])
Decorator = Callable[[Command], Command]

FILE = click.Path(path_type=Path, readable=False)
"""A path that the command itself checks, with headlab's messages."""

SIZE = "N|H,W"
FORMATS = click.Choice(FORMAT_NAMES)

model_argument = click.argument("model", type=FILE)
sources_argument = click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
data_argument = click.argument("data", type=FILE)

imgsz_option = click.option(
    "--imgsz",
    metavar=SIZE,
    help="Input size in pixels: 640, or height and width as 480,640. By default the model's own.",
)
resize_option = click.option(
    "--resize",
    type=click.Choice(["letterbox", "stretch"]),
    help="YOLOv3 only: how photos are brought to that size. By default what the .cfg says (letter_box), else "
    "letterbox.",
)
classes_option = click.option(
    "--classes",
    metavar="A,B",
    multiple=True,
    help="Only these classes: names or numbers. May be repeated.",
)
seed_option = click.option("--seed", type=click.IntRange(min=0), default=0, help="Random seed.")
quiet_option = click.option(
    "--quiet", "-q", is_flag=True, help="Print the summary only, no table of rows."
)
force_option = click.option("--force", is_flag=True, help="Replace files that exist.")


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as JSON, instead of text."
)
show_all_option = click.option(
    "--all", "show_all", is_flag=True, help="Show every row, not only the first ones."
)


run_option = click.option(
    "--run",
    type=FILE,
    metavar="DIR",
    help="Store what the network makes of each photo in this folder. A run that was stopped goes on.",
)


def refuse_with_run(run: Path, *given: object) -> None:
    """Refuse what a stored run leaves no place for: other data, and files that describe a model.

    Raises:
        InputError: something of the kind is given.
    """
    values = [
        value for each in given for value in (each.values() if isinstance(each, dict) else [each])
    ]
    if any(value is not None for value in values):
        raise InputError(
            f"{run} is a stored run, which has its photos, annotations and class names.",
            "Leave out DATA and the options that describe it or the model.",
        )


def declared(*options: Decorator[Any]) -> Decorator[Any]:
    """Several options as one decorator; the help lists them in this order."""

    def declare(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return declare


def output_options(suffixes: str) -> Decorator[Any]:
    """Where a result goes: `output`, a tuple of paths, and `as_json`; see `outputs.Outputs`.

    Args:
        suffixes: of the files that can be written, for the help, such as ".json .csv .png".
    """
    return declared(
        click.option(
            "-o",
            "--output",
            type=FILE,
            metavar="FILE",
            multiple=True,
            help=f"Write the result here; the suffix decides how: {suffixes}. May be repeated.",
        ),
        json_option,
    )


def pictures_option(pictures: str) -> Decorator[Any]:
    """Where pictures go: `save`, a folder.

    Args:
        pictures: what is saved, for the help.
    """
    return click.option("--save", type=FILE, metavar="DIR", help=f"Save {pictures} in this folder.")


companion_options = declared(
    click.option("--cfg", type=FILE, metavar="FILE", help="The network of darknet weights (.cfg)."),
    click.option(
        "--names", type=FILE, metavar="FILE", help="The class names of MODEL, one per line."
    ),
    click.option("--anchors", type=FILE, metavar="FILE", help="The anchors of Keras weights."),
)
"""The files that say what YOLOv3 weights do not; by default they are found next to MODEL."""

detection_options = declared(
    click.option(
        "--conf",
        type=float,
        default=0.25,
        help="Confidence threshold: the least score of a detection.",
    ),
    click.option(
        "--iou",
        type=float,
        help="NMS threshold: boxes that overlap more are merged. By default 0.7, for YOLOv3 0.45.",
    ),
    imgsz_option,
    resize_option,
    click.option("--agnostic-nms/--no-agnostic-nms", help="Merge boxes across classes, too."),
    click.option(
        "--multi-label/--no-multi-label",
        help="YOLOv3 only: a candidate counts for every class above --conf, not only for its best.",
    ),
    click.option("--max-det", type=int, default=300, help="Most detections per image."),
    click.option("--device", help="Such as cpu or cuda:0. By default ultralytics chooses."),
    click.option(
        "--end2end/--no-end2end", help="Use the branch without NMS, where the head has one."
    ),
    click.option("--vid-stride", type=int, default=1, help="Take every n-th frame of a video."),
)
"""How to detect: what `detection_settings` turns into the settings of `Model.trace`."""

data_options = declared(
    click.option("--format", type=FORMATS, help="The format of DATA. By default recognised."),
    click.option("--images", type=FILE, metavar="DIR", help="The folder with the photos."),
    click.option(
        "--data-names",
        type=FILE,
        metavar="FILE",
        help="The class names of DATA, one per line. By default those that DATA gives, or classes.txt "
        "next to it.",
    ),
    click.option("--split", metavar="NAME", help="Take only this split, such as train."),
    click.option(
        "--encoding", metavar="NAME", help="The encoding of DATA's text. By default recognised."
    ),
    click.option(
        "--assume-size",
        metavar="H,W",
        help="Height and width in pixels of photos whose size is unknown.",
    ),
)
"""How annotations are read: what `headlab.boxes.read` takes."""

input_options = declared(
    click.option(
        "--imgsz",
        metavar=SIZE,
        help="Size of the network's input in pixels: 416, or height and width as 320,608. By default "
        "what a file of anchors says, else 416.",
    ),
    click.option(
        "--resize",
        type=click.Choice(["letterbox", "stretch"]),
        help="How photos are brought to that size. By default what a .cfg of anchors says (letter_box), else "
        "letterbox.",
    ),
    click.option(
        "--units",
        type=click.Choice(["input", "original"]),
        default="input",
        help="original: stay in pixels of the photos, as keras-yolo3's kmeans.py does.",
    ),
)
"""How boxes are brought to the network's input; together with --assume-size one `headlab.InputSize`."""


def parse_size(text: str, option: str = "--imgsz") -> tuple[int, int]:
    """Read "640" or "480,640" (height, width) as height and width in pixels.

    Raises:
        InputError: it is neither.
    """
    parts = [part.strip() for part in text.lower().replace("x", ",").split(",")]
    if not 1 <= len(parts) <= 2 or not all(
        part.isdecimal() and len(part) < 10 and int(part) > 0 for part in parts
    ):
        raise InputError(
            f"{option} {text!r} is not a size in pixels.",
            "Write 640, or height and width as 480,640.",
        )
    return int(parts[0]), int(parts[-1])


def size_of(text: str | None, option: str = "--imgsz") -> int | tuple[int, int] | None:
    """What an option of a size says, for a Python call: a side, (height, width), or None.

    Raises:
        InputError: it is no size.
    """
    if text is None:
        return None
    height, width = parse_size(text, option)
    return height if height == width else (height, width)


def split_names(texts: Sequence[str], option: str = "--classes") -> list[str] | None:
    """Class names or numbers from options that may be repeated, or hold several after commas.

    Returns:
        The names; None if the option was not given.

    Raises:
        InputError: it was given, and names nothing.
    """
    if not texts:
        return None
    names = [name.strip() for text in texts for name in text.split(",") if name.strip()]
    if not names:
        raise InputError(f"{option} names no class.", f"Write {option} bird,cat or {option} 14.")
    return names


def detection_settings(options: dict[str, Any]) -> dict[str, Any]:
    """The settings of `Model.trace` among a command's options, taken out of them.

    Raises:
        InputError: --imgsz is no size.
    """
    names = ("conf", "iou", "imgsz", "resize", "agnostic_nms", "multi_label", "max_det", "device")
    settings = {name: options.pop(name) for name in (*names, "end2end", "vid_stride")}
    settings["imgsz"] = size_of(settings["imgsz"])
    return settings


def reading_options(options: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `headlab.boxes.read` among a command's options, taken out of them.

    The size that --assume-size gives is among them, unless `input_size` has taken it.

    Raises:
        InputError: --assume-size is no size.
    """
    names = ("format", "images", "split", "encoding")
    arguments = {name: options.pop(name) for name in names}
    arguments["names"] = options.pop("data_names")
    if "assume_size" in options:
        arguments["assume_size"] = assumed_size(options.pop("assume_size"))
    return arguments


def input_size(options: dict[str, Any]) -> InputSize:
    """The network's input that a command's options describe, taken out of them.

    Raises:
        InputError: --imgsz or --assume-size is no size.
    """
    from headlab.boxes.input_size import InputSize

    return InputSize(
        size_of(options.pop("imgsz")),
        options.pop("resize"),
        options.pop("units"),
        assumed_size(options.pop("assume_size")),
    )


def assumed_size(text: str | None) -> tuple[int, int] | None:
    """Height and width that --assume-size gives; None without it.

    Raises:
        InputError: it is no size.
    """
    return None if text is None else parse_size(text, "--assume-size")
