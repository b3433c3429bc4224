r"""What to do when a loss is no number: keep the batch, and look at it later.

found = inspect_bad_batch("runs/1/bad-batch.pt")
print("\n".join(found.lines()))
loss = found.reckon()           step through network, targets and loss in a debugger
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
    """Stop the training, in all processes alike, if the loss of one of them is not finite.

    Args:
        loss: of this process.
        batch: on the CPU.
        network: the bare one, before the step.
        plan: its folder takes the batch.
        lr: the learning rate.

    Raises:
        TrainingError: it is not; see `save_bad_batch`.
    """
    joined = dist.is_initialized() and dist.get_world_size() > 1
    finite = loss.total.detach().isfinite().float()
    if joined:
        dist.all_reduce(finite, dist.ReduceOp.MIN)
    if finite:
        return
    found: list[tuple[str, str] | None] = [None]
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
        found = [(error.message, error.hint)]
    if joined:
        own, found = found[0], [None] * dist.get_world_size()
        dist.all_gather_object(found, own)
    raise TrainingError(*next(each for each in found if each))


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
    """Save a batch whose loss is not finite.

    Args:
        path: a new file, or one to replace; the batch, the weights and the loss go into it.
        batch: as the network was fed it.
        network: the bare one, with the weights that the loss was reckoned with.
        loss: NaN or infinite.
        paths: of the batch's photos, B.
        options: of the loss.
        compat: of the targets.
        lr: the learning rate.

    Returns:
        The error to raise: it names the terms, the photos, the learning rate and the file, or why there
        is none.
    """
    values = {
        "version": _VERSION,
        "pixels": batch.pixels.cpu(),
        "boxes": [each.cpu() for each in batch.boxes],
        "indices": list(batch.indices),
        "paths": list(paths),
        "parts": loss.parts.cpu(),
        "lr": lr,
        "options": asdict(options),
        "compat": compat,
        "description": asdict(network.description),
        "frozen": [name for name, each in network.named_parameters() if not each.requires_grad],
        "network": {name: each.cpu() for name, each in network.state_dict().items()},
    }
    buffer = io.BytesIO()
    torch.save(values, buffer)
    try:
        write_bytes(path, buffer.getvalue())
        saved = (
            f"The batch is in {path}: headlab.train.engine.bad_batch.inspect_bad_batch looks at it."
        )
    except OutputError as error:
        saved = f"The batch could not be saved: {error.message}"
    terms = ", ".join(f"{name} is {value}" for name, value in _bad_terms(network, loss))
    return TrainingError(
        f"The loss is not finite: {terms or 'its total is'}; learning rate {lr:g}; "
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
    """The photos whose truths have terms that are not finite; all where that does not tell."""
    rows = (~loss.positives.isfinite()).any(1).cpu().numpy()
    images = sorted(set(loss.targets.sources()[rows, 0].tolist()))
    whose = "with truths in" if images else "in a batch of"
    names = [printable(paths[image]) for image in images] or [printable(each) for each in paths]
    more = len(names) - _SHOWN
    return f"{whose} {', '.join(names[:_SHOWN])}" + (f" and {more} more" if more > 0 else "")


def _advice(network: YOLOv3, lr: float) -> str:
    spoilt = _spoilt(network)
    if spoilt:
        return (
            f"The weights themselves are not finite ({spoilt}): an earlier step was too large. Use a "
            f"lower learning rate than {lr:g}, a warmup, or clip_norm 10."
        )
    return (
        "Look at the boxes of these photos with `headlab boxes`; or use a lower learning rate than "
        f"{lr:g}, a warmup, or clip_norm 10."
    )


def _spoilt(network: YOLOv3) -> str:
    """The first tensor of the weights that is not finite; running statistics follow the batch."""
    named = network.named_parameters()
    return next((name for name, each in named if not each.isfinite().all()), "")


@dataclass(frozen=True)
class BadBatch:
    """A batch whose loss was not finite, as it was saved.

    Attributes:
        path: the file.
        network: with its weights, in training mode but for what was frozen, on the CPU.
        batch: with its targets made anew.
        paths: of its photos.
        options: of the loss.
        lr: the learning rate.
        terms: the names of the terms.
        parts: every term of every level as it was, coarsest first, (levels, terms).
    """

    path: Path
    network: YOLOv3
    batch: Batch
    paths: tuple[str, ...]
    options: LossOptions
    lr: float
    terms: tuple[str, ...]
    parts: Tensor

    def reckon(self) -> Loss:
        """The loss again, in single precision and in this process alone.

        After a training in half precision, or with batch norms over several processes, it need not be
        what it was.
        """
        return yolo_loss(self.network(self.batch.images()), self.batch.targets, self.options)

    def first_bad_module(self) -> str:
        """The first module in the order of the network whose output is not finite; empty if none is."""
        found: list[str] = []

        def watch(name: str) -> Any:
            def look(_: Any, __: Any, output: Any) -> None:
                if isinstance(output, Tensor) and not output.isfinite().all():
                    found.append(name)

            return look

        named = self.network.named_modules()
        hooks = [module.register_forward_hook(watch(name)) for name, module in named]
        try:
            with torch.no_grad():
                self.network(self.batch.images())
        finally:
            for hook in hooks:
                hook.remove()
        return found[0] if found else ""

    def lines(self) -> list[str]:
        """In words: every term as it was and as it is now, and where numbers stop to be finite."""
        now = self.reckon().parts.tolist()
        levels = self.network.description.level_names
        said = [f"{self.path}: {len(self.paths)} photos, learning rate {self.lr:g}."]
        for level, old, new in zip(levels, self.parts.tolist(), now, strict=True):
            for term, was, again in zip(self.terms, old, new, strict=True):
                said.append(f"{level} {term}: {was:g}, again {again:g}")
        spoilt = _spoilt(self.network)
        if spoilt:
            said.append(f"First weights that are not finite: {spoilt}.")
        module = self.first_bad_module()
        said.append(
            f"First output that is not finite: {module}." if module else "All outputs are finite."
        )
        return said


def inspect_bad_batch(path: str | Path) -> BadBatch:
    """Load what `save_bad_batch` wrote; nothing in the file is run.

    Raises:
        CheckpointError: there is no such file, or it is another.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such file.", "A training names it as it stops.")
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
        if values["version"] != _VERSION:
            raise ValueError(f"version {values['version']}")
        return _loaded(path, values)
    except Exception as error:
        raise CheckpointError(
            f"{path}: this is no batch that a training of this version saved, or it is damaged.",
            "Give the file that the training named as it stopped.",
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
