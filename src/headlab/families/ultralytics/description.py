"""Check a network's description before ultralytics builds it.

ultralytics looks up the names in a description in its own module and evaluates the activation as
Python. The description in a file of unknown origin is therefore read strictly: layers must be modules, the
activation a plain constructor call, and the network no larger than the weights in the file.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from headlab.checkpoint.pt.checkpoint import PtCheckpoint
from headlab.checkpoint.pt.modules import walk
from headlab.errors import CheckpointError
from headlab.extras import ultralytics

_PARTS = ("backbone", "head")
_DOWNLOADS = {"TorchVision"}
_COLOUR = 3
_MOST_REPEATS = 1000
_MOST_CHANNELS = 1024
_LARGEST_ARGUMENT = 1 << 20
_LONGEST_TEXT = 200
_MOST_OF_SCALE = (100.0, 100.0, float(1 << 20))
"""Depth, width, the most channels of a layer."""

_MOST_OF_NUMBERS = {"depth_multiple": 100.0, "width_multiple": 100.0, "reg_max": 1024.0}
_ACTIVATION = re.compile(r"(?:torch\.)?nn\.([A-Za-z0-9]+)\(([^()]*)\)")


def checked(checkpoint: PtCheckpoint) -> dict[str, Any]:
    """A copy of the description, safe to build from.

    Raises:
        CheckpointError: it is malformed, or names something that is not a layer.
    """
    description = checkpoint.yaml
    where = str(checkpoint.path)
    for part in _PARTS:
        rows = description.get(part)
        if not isinstance(rows, list) or not rows:
            raise CheckpointError(f"{where}: the network's description has no list named {part!r}.")
        for number, row in enumerate(rows):
            _check_row(row, f"{where}: {part} row {number} of the network's description")
    _check_numbers(description, where)
    _check_repeats(checkpoint, description)
    _check_activation(description.get("activation"), where)
    return description


def _check_numbers(description: dict[str, Any], where: str) -> None:
    """Check the multipliers of depth and width, which become sizes."""
    scales = description.get("scales") or {}
    if not isinstance(scales, dict):
        raise CheckpointError(f"{where}: `scales` of the network's description is not a table.")
    named = {f"scales.{name}": value for name, value in scales.items()}
    for name, value in named.items():
        if not isinstance(value, list) or len(value) != len(_MOST_OF_SCALE):
            raise CheckpointError(
                f"{where}: {name} of the network's description is {value!r:.80}; depth, width and the most "
                "channels were expected."
            )
        for number, most in zip(value, _MOST_OF_SCALE, strict=True):
            _check_number(number, most, where, name)
    for name, most in _MOST_OF_NUMBERS.items():
        if description.get(name) is not None:
            _check_number(description[name], most, where, name)
    scale = description.get("scale")
    if scales and scale and scale not in scales:
        raise CheckpointError(
            f"{where}: the network's description is of scale {scale!r:.80}, but has "
            f"{', '.join(map(str, scales))!s:.80}."
        )


def _check_number(value: Any, most: float, where: str, name: str) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 < value <= most:
        raise CheckpointError(
            f"{where}: {name} of the network's description is {value!r:.80}; a number above 0 and up to "
            f"{most:g} was expected."
        )


def _depth(description: dict[str, Any]) -> float:
    """How often each block is repeated, as a multiple, as ultralytics looks it up."""
    scales = description.get("scales")
    if scales:
        scale = description.get("scale") or next(iter(scales))
        return float(scales[scale][0])
    return float(description.get("depth_multiple") or 1.0)


def _check_repeats(checkpoint: PtCheckpoint, description: dict[str, Any]) -> None:
    """Every repetition of a block is a module at least, so that the file has as many."""
    depth = _depth(description)
    asked = sum(max(round(row[1] * depth), 1) for part in _PARTS for row in description[part])
    held = sum(1 for _ in walk(checkpoint.network, str(checkpoint.path)))
    if asked > held:
        raise CheckpointError(
            f"{checkpoint.path}: the network's description asks for {asked:,} blocks, but the file's network "
            f"has {held:,} modules.",
            "The description is not of this network; nothing was built.",
        )


def _check_row(row: Any, where: str) -> None:
    match row:
        case [int() | list(), int(repeats), str(layer), list(args)] if 0 < repeats <= _MOST_REPEATS:
            _check_args(args, where)
            if layer not in _DOWNLOADS and _is_layer(layer):
                return
            raise CheckpointError(
                f"{where} names {layer!r}, which is not a layer of ultralytics or torch.nn.",
                "headlab builds only known layers; nothing was run.",
            )
    raise CheckpointError(f"{where} is not of the form [from, repeats, layer, arguments].")


def _check_args(args: Any, where: str) -> None:
    """Check a layer's arguments: plain values, the numbers among them no larger than any layer's."""
    for value in args:
        if isinstance(value, (list, tuple)):
            _check_args(value, where)
            continue
        if isinstance(value, str) and len(value) <= _LONGEST_TEXT:
            try:
                value = ast.literal_eval(value)  # as ultralytics does
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                continue
            if isinstance(value, (list, tuple)):
                _check_args(value, where)
                continue
        number = isinstance(value, (int, float))
        if (number and not abs(value) <= _LARGEST_ARGUMENT) or isinstance(value, (str, dict)):
            raise CheckpointError(
                f"{where} has the argument {value!r:.80}.",
                f"Plain values were expected, and numbers up to {_LARGEST_ARGUMENT:,}; nothing was built.",
            )


def _is_layer(name: str) -> bool:
    import torch

    tasks = ultralytics("nn.tasks")
    found = getattr(torch.nn, name[3:], None) if name.startswith("nn.") else vars(tasks).get(name)
    return isinstance(found, type) and issubclass(found, torch.nn.Module)


def _check_activation(activation: Any, where: str) -> None:
    if not activation:
        return
    import torch

    call = _ACTIVATION.fullmatch(str(activation).strip())
    found = getattr(torch.nn, call[1], None) if call else None
    if call and isinstance(found, type) and issubclass(found, torch.nn.Module):
        try:
            tree = ast.parse(f"f({call[2]})", mode="eval").body
        except SyntaxError:
            tree = None
        values = (
            [*tree.args, *(k.value for k in tree.keywords)] if isinstance(tree, ast.Call) else []
        )
        if (
            tree is not None
            and all(isinstance(value, ast.Constant) for value in values)
            and _makes_activation(found, tree)
        ):
            return
    raise CheckpointError(
        f"{where}: the network's description asks for the activation {str(activation)[:80]!r}.",
        "Only a constructor of torch.nn with plain numbers, such as nn.LeakyReLU(0.1), is accepted.",
    )


def _makes_activation(found: Any, call: Any) -> bool:
    """Whether a class takes these arguments; the result is thrown away, and has no memory."""
    import torch

    try:
        with torch.device("meta"):
            found(
                *(value.value for value in call.args),
                **{str(keyword.arg): keyword.value.value for keyword in call.keywords},
            )
    except Exception:  # whatever a constructor raises, the description asked for it
        return False
    return True


def channels(checkpoint: PtCheckpoint) -> int:
    """The number of colour channels of the network's input.

    Older versions of ultralytics wrote it as `ch`, and the oldest not at all; the first convolution tells.

    Raises:
        CheckpointError: it is not a number of channels.
    """
    described = checkpoint.yaml
    found = described.get("channels", described.get("ch"))
    if found is None:
        first = checkpoint.tensors.get("model.0.conv.weight")
        return first.shape[1] if first is not None and len(first.shape) == 4 else _COLOUR
    if type(found) is not int or not 0 < found <= _MOST_CHANNELS:
        raise CheckpointError(
            f"{checkpoint.path}: the network's description asks for {found!r:.80} colour channels.",
            f"A whole number from 1 to {_MOST_CHANNELS} was expected.",
        )
    return found
