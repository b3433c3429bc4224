r"""A loss that is NaN or infinite: save the batch, and inspect it later.

saved = inspect_bad_batch("runs/1/bad-batch.pt")
print("\n".join(saved.lines()))
loss = saved.compute_loss()     step through network, targets and loss in a debugger
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor

from headlab.checkpoint.yolov3.description import Description
from headlab.errors import CheckpointError, OutputError, TrainingError
from headlab.files.atomic import write_bytes
from headlab.plain_text import printable
from headlab.train.data.batch import Batch, Collate, Sample
from headlab.train.engine.freezing import train_mode
from headlab.yolov3.loss import Loss, yolo_loss
from headlab.yolov3.loss_options import LossOptions
from headlab.yolov3.network import YOLOv3
from headlab.yolov3.targets.assigner import Assigner, Compat

if TYPE_CHECKING:
    from headlab.train.planning import Plan

NAME = "bad-batch.pt"
_VERSION = 1
_SHOWN = 8


def check_finite(loss: Loss, batch: Batch, network: YOLOv3, plan: Plan, lr: float) -> None:
    """Stop the training, in all processes, if the loss of one of them is NaN or infinite.

    Args:
        loss: this process's loss.
        batch: this process's batch, on the CPU.
        network: the bare network, before the step.
        plan: the batch is saved in its folder.
        lr: the learning rate.

    Raises:
        TrainingError: a loss is NaN or infinite; see `save_bad_batch`.
    """
    joined = dist.is_initialized() and dist.get_world_size() > 1
    finite = loss.total.detach().isfinite().float()
    if joined:
        dist.all_reduce(finite, dist.ReduceOp.MIN)
    if finite:
        return
    message: tuple[str, str] | None = None
    if not loss.total.isfinite():
        rank = dist.get_rank() if joined else 0
        error = save_bad_batch(
            plan.folder / (f"{rank}-{NAME}" if rank else NAME),
            batch,
            network,
            loss,
            [plan.train.paths[index] for index in batch.indices],
            options=plan.loss_options(),
            compat=plan.config.compat,
            lr=lr,
        )
        message = (error.message, error.hint)
    messages = [message]
    if joined:
        messages = [None] * dist.get_world_size()
        dist.all_gather_object(messages, message)
    raise TrainingError(*next(text for text in messages if text))


def save_bad_batch(
    path: Path,
    batch: Batch,
    network: YOLOv3,
    loss: Loss,
    paths: Sequence[str],
    *,
    options: LossOptions,
    compat: Compat | None,
    lr: float,
) -> TrainingError:
    """Save a batch whose loss is NaN or infinite.

    Args:
        path: a new file, or one to replace; it gets the batch, the weights and the loss.
        batch: as the network saw it.
        network: the bare network, with the weights that the loss was computed with.
        loss: NaN or infinite.
        paths: the batch's photos, B.
        options: of the loss.
        compat: of the targets.
        lr: the learning rate.

    Returns:
        The error to raise: it names the terms, the photos, the learning rate and the file, or says why
        there is no file.
    """
    values = {
        "version": _VERSION,
        "pixels": batch.pixels.cpu(),
        "boxes": [boxes.cpu() for boxes in batch.boxes],
        "indices": list(batch.indices),
        "paths": list(paths),
        "parts": loss.parts.cpu(),
        "lr": lr,
        "options": asdict(options),
        "compat": compat,
        "description": asdict(network.description),
        "frozen": [
            name for name, weights in network.named_parameters() if not weights.requires_grad
        ],
        "network": {name: tensor.cpu() for name, tensor in network.state_dict().items()},
    }
    buffer = io.BytesIO()
    torch.save(values, buffer)
    try:
        write_bytes(path, buffer.getvalue())
        saved = (
            f"The batch is in {path}: headlab.train.engine.bad_batch.inspect_bad_batch inspects it."
        )
    except OutputError as error:
        saved = f"The batch could not be saved: {error.message}"
    terms = ", ".join(f"{name} is {value}" for name, value in _bad_terms(network, loss))
    return TrainingError(
        f"The loss is NaN or infinite: {terms or 'its total'}; learning rate {lr:g}; "
        f"{_photos(loss, paths)}.",
        f"{_advice(network, lr)} {saved}",
    )


def _bad_terms(network: YOLOv3, loss: Loss) -> list[tuple[str, str]]:
    """Such as ("P5 wh", "nan")."""
    return [
        (f"{level} {term}", f"{value:g}")
        for level, row in zip(network.description.level_names, loss.parts.tolist(), strict=True)
        for term, value in zip(loss.terms, row, strict=True)
        if not abs(value) < float("inf")
    ]


def _photos(loss: Loss, paths: Sequence[str]) -> str:
    """The photos with truths whose terms are NaN or infinite; the whole batch if there are none."""
    rows = (~loss.positives.isfinite()).any(1).cpu().numpy()
    images = sorted(set(loss.targets.sources()[rows, 0].tolist()))
    where = "with truths in" if images else "in a batch of"
    names = [printable(paths[image]) for image in images] or [printable(path) for path in paths]
    more = len(names) - _SHOWN
    return f"{where} {', '.join(names[:_SHOWN])}" + (f" and {more} more" if more > 0 else "")


def _advice(network: YOLOv3, lr: float) -> str:
    spoilt = _spoilt(network)
    if spoilt:
        return (
            f"The weights themselves are NaN or infinite ({spoilt}): an earlier step was too large. Use a "
            f"learning rate below {lr:g}, a warm-up, or clip_norm 10."
        )
    # Boxes without an area, whose loss would be infinite, never get here.
    return f"Use a learning rate below {lr:g}, a warm-up, or clip_norm 10."


def _spoilt(network: YOLOv3) -> str:
    """The first weights that are NaN or infinite; running statistics do not count, they follow the batch."""
    named = network.named_parameters()
    return next((name for name, weights in named if not weights.isfinite().all()), "")


@dataclass(frozen=True)
class BadBatch:
    """A saved batch whose loss was NaN or infinite.

    Attributes:
        path: the file.
        network: with its weights, in training mode except for what was frozen, on the CPU.
        batch: the batch; its targets were made again.
        paths: the batch's photos.
        options: of the loss.
        lr: the learning rate.
        terms: the names of the terms.
        parts: each term of each level as it was, coarsest level first, (levels, terms).
    """

    path: Path
    network: YOLOv3
    batch: Batch
    paths: tuple[str, ...]
    options: LossOptions
    lr: float
    terms: tuple[str, ...]
    parts: Tensor

    def compute_loss(self) -> Loss:
        """Compute the loss again, in single precision and in this process only.

        After a training in half precision, or with batch norms over several processes, the result may differ
        from what it was.
        """
        return yolo_loss(self.network(self.batch.images()), self.batch.targets, self.options)

    def first_bad_module(self) -> str:
        """The first module, in the network's order, with a NaN or infinite output; empty if none has."""
        bad_modules: list[str] = []

        def checking(name: str) -> Any:
            def check(_: Any, __: Any, output: Any) -> None:
                if isinstance(output, Tensor) and not output.isfinite().all():
                    bad_modules.append(name)

            return check

        named = self.network.named_modules()
        hooks = [module.register_forward_hook(checking(name)) for name, module in named]
        try:
            with torch.no_grad():
                self.network(self.batch.images())
        finally:
            for hook in hooks:
                hook.remove()
        return bad_modules[0] if bad_modules else ""

    def lines(self) -> list[str]:
        """Lines of text: each term as it was and as it is now, and the first NaN or infinite numbers."""
        computed_now = self.compute_loss().parts.tolist()
        levels = self.network.description.level_names
        lines = [f"{self.path}: {len(self.paths)} photos, learning rate {self.lr:g}."]
        for level, old, new in zip(levels, self.parts.tolist(), computed_now, strict=True):
            for term, before, now in zip(self.terms, old, new, strict=True):
                lines.append(f"{level} {term}: {before:g}, again {now:g}")
        spoilt = _spoilt(self.network)
        if spoilt:
            lines.append(f"First weights that are NaN or infinite: {spoilt}.")
        module = self.first_bad_module()
        lines.append(
            f"First output that is NaN or infinite: {module}."
            if module
            else "All outputs are finite."
        )
        return lines


def inspect_bad_batch(path: str | Path) -> BadBatch:
    """Load what `save_bad_batch` wrote; nothing in the file is run.

    Raises:
        CheckpointError: there is no such file, or it is not a saved batch.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file.", "The training that stopped named it.")
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
        if values["version"] != _VERSION:
            raise ValueError(f"version {values['version']}")
        return _loaded(path, values)
    except Exception as error:
        raise CheckpointError(
            f"{path}: not a batch saved by a training of this version of headlab, or damaged.",
            "Give the file that the training named when it stopped.",
        ) from error


def _loaded(path: Path, values: dict[str, Any]) -> BadBatch:
    network = YOLOv3(Description(**values["description"]))
    network.load_state_dict(values["network"])
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name not in values["frozen"])
    train_mode(network)
    rows = zip(values["pixels"], values["boxes"], values["indices"], strict=True)
    samples = [Sample(pixels, boxes, index) for pixels, boxes, index in rows]
    options = LossOptions(**values["options"])
    return BadBatch(
        path=path,
        network=network,
        batch=Collate(Assigner(network.description, compat=values["compat"]))(samples),
        paths=tuple(values["paths"]),
        options=options,
        lr=values["lr"],
        terms=options.terms,
        parts=values["parts"],
    )
