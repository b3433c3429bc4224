"""Devices and processes: Lightning Fabric, set up as the configuration says.

    with launched(config) as fabric:    from here on there are as many processes as asked for
        ...

With several processes Fabric starts the command anew for each but the first, with LOCAL_RANK in its
environment; all of them come to the same line, and only the first may talk and write.
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

_RANKS = ("LOCAL_RANK", "NODE_RANK", "GROUP_RANK")
_SET_BY_LAUNCH = ("LOCAL_RANK", "NODE_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_PATIENCE_S = 3.0


def is_first() -> bool:
    """Whether this is the one process that talks and writes, before the launch as after it.

    It is told by the environment: RANK where torchrun starts the processes, LOCAL_RANK and NODE_RANK
    where Fabric does.
    """
    if "RANK" in os.environ:
        return os.environ["RANK"] == "0"
    return all(os.environ.get(name, "0") == "0" for name in _RANKS)


def fabric_for(config: TrainConfig) -> Fabric:
    """Fabric with the configuration's device, processes, machines and precision, not yet launched.

    Args:
        config: `debug` means one process on one machine.

    Raises:
        InputError: this machine does not have the device, or not so many of them, or cannot reckon or
            compile as asked for.
    """
    device = _device(config)
    devices, nodes = (1, 1) if config.debug else (config.devices, config.num_nodes)
    _check(config, device, devices)
    from lightning_fabric import Fabric
    from lightning_fabric.strategies import DDPStrategy

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # of ranks and back ends
    strategy: Any = "auto"
    if devices * nodes > 1:
        strategy = DDPStrategy(
            process_group_backend="gloo" if device == "cpu" else "nccl",
            gradient_as_bucket_view=True,
        )
    try:
        return Fabric(
            accelerator=device,
            devices=devices,
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
    """Every process's value, in the order of the processes; all of them must ask.

    Args:
        value: of this process; it is pickled.
        fabric: launched; None stands for one process.
    """
    if fabric is None or fabric.world_size == 1:
        return [value]
    every: list[Any] = [None] * fabric.world_size
    torch.distributed.all_gather_object(every, value)
    return every


@contextlib.contextmanager
def launched(config: TrainConfig) -> Iterator[Fabric]:
    """Start the other processes; after an error, leave none of them behind.

    In a script that trains with several processes the call belongs into a function that is called under
    `if __name__ == "__main__":`, as in every program that starts itself anew.

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


def _device(config: TrainConfig) -> str:
    if config.device != "auto":
        return config.device
    return "cuda" if torch.cuda.is_available() else "cpu"


def _check(config: TrainConfig, device: str, devices: int) -> None:
    """Refuse what this machine cannot do.

    Raises:
        InputError: see `fabric_for`.
    """
    if device == "cuda":
        _check_gpus(devices)
    elif config.precision == "16-mixed":
        raise InputError(
            "precision is 16-mixed, and half precision needs a GPU.",
            "Use --precision bf16-mixed on a CPU, or 32-true.",
        )
    if config.compile and not config.debug:
        _check_compiler(device)


def _check_gpus(devices: int) -> None:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not count:
        raise InputError(
            "device is cuda, and PyTorch sees no GPU here.",
            "Use --device cpu, or install a PyTorch that goes with the GPU's driver.",
        )
    if devices > count:
        raise InputError(
            f"devices is {devices}, and PyTorch sees {counted(count, 'GPU')} here.",
            f"Use --devices {count}, or look at CUDA_VISIBLE_DEVICES.",
        )


def _check_compiler(device: str) -> None:
    """Refuse to compile without a compiler, which torch.compile would find out in the first step."""
    usual, variable = (("g++", "clang++"), "CXX") if device == "cpu" else (("gcc", "clang"), "CC")
    if sys.platform == "win32":
        usual = ("cl",)
    named = os.environ.get(variable)
    if not any(shutil.which(each) for each in ((named,) if named else usual)):
        looked = named or " and ".join(usual)
        raise InputError(
            f"compile needs a C++ compiler, and there is none ({looked} was looked for).",
            f"Install g++, name a compiler in {variable}, or leave out --compile.",
        )


def _end_children(fabric: Fabric) -> None:
    """Ask the processes that this one started to end, and make them.

    Fabric kills the first process when it sees that one of them failed: they are taken from its list.
    """
    started: list[subprocess.Popen[bytes]] = getattr(fabric.strategy.launcher, "procs", [])
    children = list(started)
    started.clear()
    for each in children:
        each.terminate()
    for each in children:
        try:
            each.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            each.kill()
            each.wait()


def _restore(environment: dict[str, str | None]) -> None:
    for name, value in environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
