"""Say which module of a stranger's network failed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from headlab.errors import CheckpointError, HeadlabError

_LONGEST_REASON = 300


@contextlib.contextmanager
def blaming(where: str, network: Any, what: str, *, always: bool = True) -> Iterator[None]:
    """Turn what a network raises in being built or run into an error that names the module.

    Args:
        where: the file.
        network: a `torch.nn.Module`, whose modules are named as in the file.
        what: what failed, such as "run": "the network cannot be …".
        always: also where no module of the network is to blame; such an exception otherwise passes.

    Raises:
        CheckpointError: in place of any exception that headlab did not raise on purpose.
    """
    try:
        yield
    except HeadlabError:
        raise
    except Exception as error:
        module = _module(error.__traceback__, network)
        if module is None and not always:
            raise
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"[:_LONGEST_REASON]
        at = f" {module} fails with" if module else ""
        raise CheckpointError(
            f"{where}: the network cannot be {what}:{at} {reason}.",
            "The file may be of another version of ultralytics, or was changed; it can be inspected, and "
            "edited where no classes are removed.",
        ) from error


def _module(traceback: TracebackType | None, network: Any) -> str | None:
    """The innermost module that was at work, as "model.3 (Conv)"."""
    import torch

    names = {id(module): name for name, module in network.named_modules() if name}
    found = None
    while traceback is not None:
        local = traceback.tb_frame.f_locals
        if traceback.tb_frame.f_code.co_name == "parse_model" and isinstance(local.get("i"), int):
            layer = local.get("m")
            found = f"model.{local['i']} ({getattr(layer, '__name__', layer)})"
        this = local.get("self")
        if isinstance(this, torch.nn.Module) and id(this) in names:
            found = f"{names[id(this)]} ({type(this).__name__})"
        traceback = traceback.tb_next
    return found
