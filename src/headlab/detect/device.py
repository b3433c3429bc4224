"""The device that a network runs on."""

from __future__ import annotations

from typing import Any

from headlab.detect.offline import quiet
from headlab.errors import InputError
from headlab.extras import ultralytics


def select(device: str | None) -> Any:
    """The `torch.device` that a name means; None lets ultralytics choose.

    Raises:
        InputError: there is no such device on this machine.
    """
    try:
        with quiet():
            return ultralytics("utils.torch_utils").select_device(device or "", verbose=False)
    except (AssertionError, RuntimeError, ValueError) as error:
        raise InputError(
            f"The device {device!r} cannot be used on this machine.",
            "Give cpu, or a GPU that PyTorch sees, such as cuda:0; by default ultralytics chooses.",
        ) from error
