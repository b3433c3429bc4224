"""Which parts of a network are trained, and which are frozen: never one whose weights are random."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from torch import nn

from headlab.checkpoint.yolov3.architecture import Architecture
from headlab.errors import InputError
from headlab.train.configuration.config import StageConfig, TrainConfig
from headlab.train.configuration.values import Freeze, FreezeChoice
from headlab.yolov3.network import YOLOv3

_MOST_FIRST: tuple[Freeze, ...] = ("heads-only", "backbone", "none")

_NORMS = (nn.BatchNorm2d, nn.SyncBatchNorm)


def decided(
    config: TrainConfig, architecture: Architecture, loaded: Collection[str]
) -> TrainConfig:
    """The configuration with what each stage freezes, which never has random weights.

    Args:
        config: may leave it open with "auto".
        architecture: of the network.
        loaded: the convolutions that have start weights.

    Raises:
        InputError: a stage would keep random weights as they are.
    """
    known = set(loaded)
    stages: dict[str, StageConfig] = {}
    for name, stage in (("stage1", config.stage1), ("stage2", config.stage2)):
        choices = _MOST_FIRST if stage.freeze == "auto" else (stage.freeze,)
        random = {what: set(frozen_convolutions(architecture, what)) - known for what in choices}
        what = next((what for what in choices if not random[what]), None)
        if what is None and stage.epochs:
            raise _random(config, name, architecture, random[choices[0]], loaded)
        stages[name] = stage.model_copy(update={"freeze": what or stage.freeze})
        if stage.epochs and what is not None:
            kept = set(frozen_convolutions(architecture, what))
            known |= {each.name for each in architecture.convolutions} - kept
    return config.model_copy(update=stages)


def frozen_convolutions(architecture: Architecture, what: FreezeChoice) -> Iterator[str]:
    """The names of the convolutions that `freeze` freezes."""
    outputs = {architecture.output(level).name for level in architecture.levels}
    for convolution in architecture.convolutions:
        in_backbone = convolution.name.startswith("backbone.")
        if (what == "backbone" and in_backbone) or (
            what == "heads-only" and convolution.name not in outputs
        ):
            yield convolution.name


def _random(
    config: TrainConfig,
    stage: str,
    architecture: Architecture,
    random: Collection[str],
    loaded: Collection[str],
) -> InputError:
    """The error about a stage that would keep random weights."""
    first = next(each.name for each in architecture.convolutions if each.name in random)
    what = getattr(config, stage).freeze
    why = f"{config.start} has no weights for them" if loaded else "there are no start weights"
    return InputError(
        f"{stage}.freeze is {what}, which would leave {len(random)} convolutions as random as they begin, "
        f"such as {first}: {why}.",
        f"Train everything (--{stage}.freeze none), or start from weights that have them (--start).",
    )


def freeze(network: YOLOv3, what: FreezeChoice) -> None:
    """Choose the parameters to train; all others get no gradient.

    Args:
        network: `requires_grad` is set on all of its parameters.
        what: what is frozen. "heads-only" trains only the last convolution of each level, like
            keras-yolo3's `freeze_body=2`. "backbone" trains the whole head, like `freeze_body=1`, except
            that the latter also trains the last two convolutions of tiny's backbone; here all of the
            backbone is frozen, which is what a file such as `yolov3-tiny.conv.15` holds. "none" trains
            everything. "auto" is decided before a network is trained.
    """
    network.requires_grad_(what == "none")
    if what == "backbone":
        network.requires_grad_(True)
        network.backbone.requires_grad_(False)
    elif what == "heads-only":
        for level in network.description.level_names:
            network.get_submodule(level).get_submodule("output").requires_grad_(True)


def train_mode(network: YOLOv3) -> None:
    """Put a network into training mode, except for frozen batch norms.

    A frozen batch norm normalises with its running statistics and does not update them, so that the frozen
    part computes during the training what it computes afterwards. Keras in TensorFlow 2 does the same;
    Keras 2.1, for which keras-yolo3 was written, normalised with the batch and updated the statistics.

    Args:
        network: the network; call this again after `network.eval()` and after `freeze`.
    """
    network.train()
    for module in network.modules():
        if isinstance(module, _NORMS) and not module.weight.requires_grad:
            module.eval()


def trainable_count(network: nn.Module) -> int:
    """The number of trained parameters."""
    return sum(weights.numel() for weights in network.parameters() if weights.requires_grad)


def frozen_count(network: nn.Module) -> int:
    """The number of frozen parameters; running statistics are not parameters."""
    return sum(weights.numel() for weights in network.parameters() if not weights.requires_grad)
