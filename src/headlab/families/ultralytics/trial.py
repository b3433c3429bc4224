"""Build a stranger's network without memory, and follow an input through it by its shapes alone.

On PyTorch's meta device a tensor has a shape and no numbers. What a description asks for can so be counted
and bounded before any of it is allocated: modules, parameters, and the numbers that each module puts out.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from headlab.checkpoint.pt.checkpoint import PtCheckpoint
from headlab.checkpoint.pt.modules import walk
from headlab.detect.offline import quiet
from headlab.errors import CheckpointError
from headlab.extras import ultralytics
from headlab.families.ultralytics.blame import blaming
from headlab.plain_text import counted

SIDE_PX = 256
"""ultralytics itself runs a network on an image of this size when it builds it."""

_MOST_NUMBERS = 1 << 26
_MOST_NUMBERS_TOGETHER = 1 << 32
_SPARE_PARTS = 10_000
_PARTS_PER_MODULE = 20
_CALLS_PER_MODULE = 20
_FORGED = "No network that was trained looks like that; nothing was built."


def built_without_memory(
    checkpoint: PtCheckpoint, description: dict[str, Any], channels: int
) -> Any:
    """A module whose child `model` is the network's layers, as the description has them, on the meta device.

    Raises:
        CheckpointError: it cannot be built, or would be much larger than what the file holds.
    """
    import torch

    where = str(checkpoint.path)
    shell = torch.nn.Module()
    with (
        quiet(),
        torch.device("meta"),
        _few_parts(checkpoint),
        blaming(where, shell, "built from its description"),
    ):
        parse = ultralytics("nn.tasks").parse_model
        shell.model, saved = parse(deepcopy(description), ch=channels, verbose=False)
    shell.eval()
    shell.save = saved
    built = sum(parameter.numel() for parameter in shell.parameters())
    held = sum(tensor.numel for tensor in checkpoint.tensors.values())
    if built > 2 * held + 1_000_000:
        raise CheckpointError(
            f"{where}: the description is of a network with {built:,} parameters, but the "
            f"file holds {held:,} numbers.",
            "The file is damaged or forged; nothing was built.",
        )
    return shell


def grids_hw(checkpoint: PtCheckpoint, shell: Any, channels: int) -> list[tuple[int, int]]:
    """The grids of the levels that the head reads, for a square image of `SIDE_PX`.

    Raises:
        CheckpointError: the network cannot run, or would need far too much memory.
    """
    import torch

    where = str(checkpoint.path)
    head = shell.model[-1]
    head.training = True  # it then gives back the features as they come in
    try:
        with (
            torch.no_grad(),
            torch.device("meta"),
            _small_outputs(where, shell),
            blaming(where, shell, f"run on an image of {SIDE_PX} x {SIDE_PX} px"),
        ):
            output = _through(shell, torch.zeros(1, channels, SIDE_PX, SIDE_PX))
            output = output.get("one2many") or output.get("one2one") or output
            features = output["feats"]
    finally:
        head.training = False
    return [(int(each.shape[-2]), int(each.shape[-1])) for each in features]


def _through(shell: Any, x: Any) -> Any:
    """The head's output, as `BaseModel.predict` computes it."""
    kept: list[Any] = []
    for layer in shell.model:
        if layer.f != -1:
            x = (
                kept[layer.f]
                if isinstance(layer.f, int)
                else [x if at == -1 else kept[at] for at in layer.f]
            )
        x = layer(x)
        kept.append(x if layer.i in shell.save else None)
    return x


@contextlib.contextmanager
def _few_parts(checkpoint: PtCheckpoint) -> Iterator[None]:
    """Stop a construction that makes many more modules and parameters than the file has."""
    from torch.nn.modules import module as registry

    count = sum(1 for _ in walk(checkpoint.network, str(checkpoint.path)))
    left = _PARTS_PER_MODULE * count + _SPARE_PARTS

    def note(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise CheckpointError(
                f"{checkpoint.path}: the description asks for far more modules than the {count} of the "
                "file's network.",
                _FORGED,
            )

    hooks = (
        registry.register_module_module_registration_hook(note),
        registry.register_module_parameter_registration_hook(note),
    )
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextlib.contextmanager
def _small_outputs(where: str, shell: Any) -> Iterator[None]:
    """Stop a run in which a module puts out more numbers than any real network's."""
    import torch
    from torch.nn.modules import module as registry

    together, calls = 0, 0
    most_calls = _CALLS_PER_MODULE * sum(1 for _ in shell.modules()) + _SPARE_PARTS

    def check(module: Any, _: Any, output: Any) -> None:
        nonlocal together, calls
        calls += 1
        if calls > most_calls:
            raise CheckpointError(
                f"{where}: its modules run more than {most_calls:,} times for one image; the last one is "
                f"{type(module).__name__}.",
                _FORGED,
            )
        numbers = math.prod(output.shape) if isinstance(output, torch.Tensor) else 0
        together += numbers
        if numbers > _MOST_NUMBERS or together > _MOST_NUMBERS_TOGETHER:
            name = next((name for name, each in shell.named_modules() if each is module), "")
            raise CheckpointError(
                f"{where}: {name} ({type(module).__name__}) makes {counted(numbers, 'number')} of an image "
                f"of {SIDE_PX} x {SIDE_PX} px.",
                _FORGED,
            )

    hook = registry.register_module_forward_hook(check)
    try:
        yield
    finally:
        hook.remove()
