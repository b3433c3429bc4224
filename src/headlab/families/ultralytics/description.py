"""Check a network's description before ultralytics builds it.

ultralytics looks up the names in a description in its own module and evaluates the activation as
Python. The description in a file of unknown origin is therefore read strictly: layers must be modules, the
activation a plain constructor call, and the network no larger than the weights in the file.
"""

from __future__ import annotations

import ast
import re
from copy import deepcopy
from typing import Any

from headlab.checkpoint.pt.checkpoint import PtCheckpoint
from headlab.detect.offline import quiet, ultralytics
from headlab.errors import CheckpointError

_DOWNLOADS = {"TorchVision"}
_MOST_REPEATS = 1000
_ACTIVATION = re.compile(r"(?:torch\.)?nn\.([A-Za-z0-9]+)\(([^()]*)\)")


def checked(checkpoint: PtCheckpoint) -> dict[str, Any]:
    """A copy of the description, safe to build from.

    Raises:
        CheckpointError: it is malformed, or names something that is not a layer.
    """
    description = checkpoint.yaml
    where = str(checkpoint.path)
    for part in ("backbone", "head"):
        rows = description.get(part)
        if not isinstance(rows, list) or not rows:
            raise CheckpointError(f"{where}: the network's description has no list named {part!r}.")
        for number, row in enumerate(rows):
            _check_row(row, f"{where}: {part} row {number} of the network's description")
    _check_activation(description.get("activation"), where)
    return description


def _check_row(row: Any, where: str) -> None:
    match row:
        case [int() | list(), int(repeats), str(layer), list()] if 0 < repeats <= _MOST_REPEATS:
            if layer not in _DOWNLOADS and _is_layer(layer):
                return
            raise CheckpointError(
                f"{where} names {layer!r}, which is not a layer of ultralytics or torch.nn.",
                "headlab builds only known layers; nothing was run.",
            )
    raise CheckpointError(f"{where} is not of the form [from, repeats, layer, arguments].")


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
        if tree is not None and all(isinstance(value, ast.Constant) for value in values):
            return
    raise CheckpointError(
        f"{where}: the network's description asks for the activation {str(activation)[:80]!r}.",
        "Only a constructor of torch.nn with plain numbers, such as nn.LeakyReLU(0.1), is accepted.",
    )


def check_size(checkpoint: PtCheckpoint, description: dict[str, Any]) -> None:
    """Build the network without allocating memory, and compare its size with the file's.

    Raises:
        CheckpointError: the description would build a much larger network than the file holds.
    """
    import torch

    parse = ultralytics("nn.tasks").parse_model
    channels = description.get("channels", 3)
    with quiet(), torch.device("meta"):
        try:
            layers, _ = parse(deepcopy(description), ch=channels, verbose=False)
        except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"{checkpoint.path}: the network cannot be built from its description: {error}.",
                "The file may come from another version of ultralytics.",
            ) from error
    built = sum(parameter.numel() for parameter in layers.parameters())
    held = sum(tensor.numel for tensor in checkpoint.tensors.values())
    if built > 2 * held + 1_000_000:
        raise CheckpointError(
            f"{checkpoint.path}: the description is of a network with {built:,} parameters, but the "
            f"file holds {held:,} numbers.",
            "The file is damaged or forged; nothing was built.",
        )
