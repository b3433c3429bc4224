"""Devices and processes: Lightning Fabric, set up as the configuration says.

    with launched(config) as fabric:    from here on there are as many processes as asked for
        ...

For each further process Fabric starts the same command again, with LOCAL_RANK in its environment. All
processes reach the same line; only the first may print and write.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch

from headlab.errors import InputError
from headlab.plain_text import counted
from headlab.train.configuration.config import TrainConfig

if TYPE_CHECKING:
    from lightning_fabric import Fabric

_SET_BY_LAUNCH = ("LOCAL_RANK", "NODE_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_PATIENCE_S = 3.0


def fabric_for(config: TrainConfig) -> Fabric:
    """Fabric with the configuration's device, processes, machines and precision, not yet launched.

    Args:
        config: the configuration; `debug` means one process on one machine.

    Raises:
        InputError: this machine lacks the device, or has too few of them, or does not support the
            precision or compiling.
    """
    device, number = _device(config)
    devices, nodes = (1, 1) if config.debug else (config.devices, config.num_nodes)
    _check(config, device, devices, number)
    from lightning_fabric import Fabric
    from lightning_fabric.strategies import DDPStrategy

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # not about ranks and back ends
    strategy: Any = "auto"
    if devices * nodes > 1:
        strategy = DDPStrategy(
            process_group_backend="gloo" if device == "cpu" else "nccl",
            gradient_as_bucket_view=True,
        )
    try:
        return Fabric(
            accelerator=device,
            devices=devices if number is None else [number],
            num_nodes=nodes,
            strategy=strategy,
            precision=config.precision,
        )
    except (RuntimeError, ValueError) as error:
        raise InputError(
            f"{counted(devices, 'process', 'processes')} on {counted(nodes, 'machine')} cannot be "
            f"set up here: {error}",
            "Train with one process (--devices 1 --num-nodes 1), or from a script or a terminal.",
        ) from error


def gathered(value: Any, fabric: Fabric | None) -> list[Any]:
    """The values of all processes, in the order of the processes; every process must call this.

    Args:
        value: this process's value; it is pickled.
        fabric: launched; None stands for one process.
    """
    if fabric is None or fabric.world_size == 1:
        return [value]
    values: list[Any] = [None] * fabric.world_size
    torch.distributed.all_gather_object(values, value)
    return values


@contextlib.contextmanager
def launched(config: TrainConfig) -> Iterator[Fabric]:
    """Start the other processes; after an error, leave none of them behind.

    A script that trains with several processes has to call this under `if __name__ == "__main__":`, like
    every program that starts itself again.

    Raises:
        InputError: as for `fabric_for`.
    """
    fabric = fabric_for(config)
    before = {name: os.environ.get(name) for name in _SET_BY_LAUNCH}
    fabric.launch()
    try:
        yield fabric
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
    except BaseException:
        _end_children(fabric)
        raise
    finally:
        _restore(before)


def _device(config: TrainConfig) -> tuple[str, int | None]:
    """The kind of device, and the number of the GPU if one was chosen."""
    if config.device == "auto":
        return ("cuda" if torch.cuda.is_available() else "cpu"), None
    kind, _, number = config.device.partition(":")
    return kind, int(number) if number else None


def _check(config: TrainConfig, device: str, devices: int, number: int | None) -> None:
    """Refuse what this machine cannot do.

    Raises:
        InputError: see `fabric_for`.
    """
    if device == "cuda":
        _check_gpus(devices, number)
    elif config.precision == "16-mixed":
        raise InputError(
            "precision is 16-mixed, and half precision needs a GPU.",
            "Use --precision bf16-mixed on a CPU, or 32-true.",
        )
    if config.compile and not config.debug:
        _check_compiler(device)


def _check_gpus(devices: int, number: int | None) -> None:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not count:
        raise InputError(
            f"device is {'cuda' if number is None else f'cuda:{number}'}, and PyTorch sees no GPU here.",
            "Use --device cpu, or install a PyTorch that fits the GPU's driver.",
        )
    if number is not None and number >= count:
        raise InputError(
            f"device is cuda:{number}, and PyTorch sees {counted(count, 'GPU')} here, counted from 0.",
            f"Use --device cuda:{count - 1}, or look at CUDA_VISIBLE_DEVICES.",
        )
    if devices > count:
        raise InputError(
            f"devices is {devices}, and PyTorch sees {counted(count, 'GPU')} here.",
            f"Use --devices {count}, or look at CUDA_VISIBLE_DEVICES.",
        )


def _check_compiler(device: str) -> None:
    """Refuse to compile without a compiler; torch.compile would fail only in the first step."""
    usual, variable = (("g++", "clang++"), "CXX") if device == "cpu" else (("gcc", "clang"), "CC")
    if sys.platform == "win32":
        usual = ("cl",)
    named = os.environ.get(variable)
    candidates = (named,) if named else usual
    if not any(shutil.which(compiler) for compiler in candidates):
        raise InputError(
            f"compile needs a C++ compiler, and there is none (looked for {' and '.join(candidates)}).",
            f"Install g++, name a compiler in {variable}, or leave out --compile.",
        )


def _end_children(fabric: Fabric) -> None:
    """Terminate the processes that this one started, and kill those that do not end.

    Fabric kills the first process when it sees that another one failed; so they are taken off its list.
    """
    started: list[subprocess.Popen[bytes]] = getattr(fabric.strategy.launcher, "procs", [])
    children = list(started)
    started.clear()
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _restore(environment: dict[str, str | None]) -> None:
    for name, value in environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
