"""From a configuration to the network to train: variant, anchors and masks are decided, weights loaded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from headlab.anchors.fitting.fit import fit
from headlab.boxes.table import BoxTable
from headlab.checkpoint.yolov3.architecture import LARGEST_STRIDE_PX, LEVELS
from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.checkpoint.yolov3.companion_files import CompanionFiles
from headlab.checkpoint.yolov3.description import (
    DARKNET_EPSILON,
    KERAS_EPSILON,
    Anchor,
    Description,
    default_masks,
    usual_anchors,
)
from headlab.checkpoint.yolov3.read import read_yolov3
from headlab.errors import CheckpointError, InputError
from headlab.families.yolov3.remarks import trained_masks
from headlab.heads.anchor_files import read_anchor_set
from headlab.heads.anchor_set import anchor_set
from headlab.plain_text import counted
from headlab.train.anchor_notes import anchor_notes
from headlab.train.configuration.config import TrainConfig
from headlab.train.engine import freezing
from headlab.yolov3.network import YOLOv3
from headlab.yolov3.start import load_weights

Masks = tuple[tuple[int, ...], ...]

_TINY_MASKS = ((3, 4, 5), (0, 1, 2))
"""Six anchors on two levels, each used once; keras-yolo3's masks never use the first one."""

_SLOTS = 3
"""Anchors per level if they are fitted, as in the paper."""

_WITH_MASKS = (".cfg", ".yaml", ".yml", ".json")
"""Anchor files that say which anchors belong to which level."""


@dataclass(frozen=True)
class PreparedNetwork:
    """A network to train.

    Attributes:
        network: with the start weights, in evaluation mode.
        config: with variant, anchors, masks and what is frozen decided.
        notes: which of the start weights were loaded, and which were not.
    """

    network: YOLOv3
    config: TrainConfig
    notes: tuple[str, ...]


def described(
    config: TrainConfig,
    class_names: tuple[str, ...],
    table: BoxTable,
    epsilon: float | None = None,
) -> tuple[TrainConfig, Description]:
    """Decide network, anchors and masks.

    Args:
        config: may leave them open.
        class_names: of the data.
        table: the training boxes, which anchors are fitted to.
        epsilon: of batch normalisation, in a resumed training, which does not read the start weights.

    Returns:
        The configuration with everything decided, and the model without its weights.

    Raises:
        InputError: the input size is not a multiple of 32, the anchors cannot be read or distributed over
            the levels, or a mask names an anchor that does not exist.
    """
    if any(side % LARGEST_STRIDE_PX for side in config.imgsz) or min(config.imgsz) <= 0:
        height, width = config.imgsz
        raise InputError(
            f"imgsz is {height} x {width} px (height x width).",
            f"Both must be multiples of {LARGEST_STRIDE_PX} px, the largest stride.",
        )
    start = _start(config) if epsilon is None else None
    variant = config.variant or (start.description.variant if start else "yolov3")
    if start is not None and start.description.variant != variant:
        start = None
    anchors, masks = _anchors(config, variant, start, table)
    masks = config.masks or masks
    _check_masks(masks, len(anchors), variant)
    if epsilon is None:
        epsilon = _epsilon(config, start)
    description = Description(variant, anchors, masks, class_names, config.imgsz, epsilon)
    decided = config.model_copy(update={"variant": variant, "anchors": anchors, "masks": masks})
    return decided, description


def make(
    config: TrainConfig,
    class_names: tuple[str, ...],
    table: BoxTable,
    epsilon: float | None = None,
) -> PreparedNetwork:
    """Make the network and load the start weights.

    Args:
        config: see `described`, as for the next two.
        class_names: of the data.
        table: the training boxes.
        epsilon: see `described`; a resumed training loads its own weights later.

    Raises:
        CheckpointError: the start weights cannot be read, or none of them fit.
        InputError: see `described`.
    """
    decided, description = described(config, class_names, table, epsilon)
    torch.manual_seed(config.seed)
    network = YOLOv3(description)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = config.norm_momentum
    notes = _few_anchors(config, description)
    if epsilon is None:
        loaded: tuple[str, ...] = ()
        if config.start is not None:
            with _options_of_train():
                report = load_weights(network, config.start, _companions(config))
            notes += report.lines()
            loaded = report.loaded
        decided = freezing.decided(decided, description.architecture, loaded)
        notes += _freezing_notes(config, decided)
        notes += anchor_notes(config, decided, table)
    network.eval()
    return PreparedNetwork(network, decided, tuple(notes))


def _freezing_notes(before: TrainConfig, decided: TrainConfig) -> list[str]:
    """A note if stage 1 freezes less than usual, since there are no start weights for it."""
    stage = decided.stage1
    if before.stage1.freeze != "auto" or not stage.epochs or stage.freeze == "heads-only":
        return []
    what = "everything" if stage.freeze == "none" else "all but the backbone"
    rest = "the rest" if decided.start else "anything"
    return [
        f"Stage 1 trains {what}: there are no start weights for {rest}, and random ones would stay."
    ]


def _few_anchors(config: TrainConfig, description: Description) -> list[str]:
    """A note if so few boxes gave fewer anchors than usual."""
    count, levels = len(description.anchors_wh_px), len(description.level_names)
    if config.anchors != "fit" or count >= _SLOTS * levels:
        return []
    return [f"The training boxes gave only {count} anchors; {_SLOTS * levels} are usual."]


def _epsilon(config: TrainConfig, start: Yolov3Checkpoint | None) -> float:
    """That of the start weights, so that nothing has to be converted; with `compat`, Keras'."""
    if config.compat:
        return KERAS_EPSILON
    return start.description.batch_norm_epsilon if start else DARKNET_EPSILON


def _companions(config: TrainConfig) -> CompanionFiles:
    return CompanionFiles.of(cfg=config.start_cfg)


def _start(config: TrainConfig) -> Yolov3Checkpoint | None:
    """The start as a whole model; None if there is none, or only a part such as a backbone."""
    if config.start is None:
        return None
    if not Path(config.start).is_file():
        raise CheckpointError(f"{config.start}: no such file.", "Give the weights with --start.")
    try:
        with _options_of_train():
            return read_yolov3(Path(config.start), _companions(config), as_start=True)
    except CheckpointError:
        if config.variant is None:
            raise
        return None  # a part, or Keras weights without anchors; `load_weights` says what is wrong


@contextmanager
def _options_of_train() -> Iterator[None]:
    """In errors about an unknown network, name the options of a training."""
    try:
        yield
    except CheckpointError as error:
        if "--cfg" not in error.hint:
            raise
        raise CheckpointError(
            error.message,
            "Put its .cfg next to it, or name it with --start-cfg. For a part of a network, such as "
            "darknet53.conv.74 or yolov3-tiny.conv.15, name the network with --variant.",
        ) from error


def _anchors(
    config: TrainConfig, variant: str, start: Yolov3Checkpoint | None, table: BoxTable
) -> tuple[tuple[Anchor, ...], Masks]:
    """The anchors and their masks."""
    if not isinstance(config.anchors, str):
        anchor_set(config.anchors).check_pixels()
        return config.anchors, _masks(variant, len(config.anchors), config)
    if config.anchors == "fit":
        levels = len(LEVELS[variant])
        count = _SLOTS * levels
        fitted = fit(table, count, imgsz=config.imgsz, levels=levels, seed=config.seed)
        if len(fitted) < levels:
            shapes = counted(len(fitted), "distinct shape")
            raise InputError(
                f"The training boxes have only {shapes}, too few for anchors on the {levels} levels of "
                f"{variant}.",
                "Leave --anchors out, or name a file of anchors with it.",
            )
        return _pairs(fitted.anchors_wh), fitted.masks
    if config.anchors != "start":
        from_file = read_anchor_set(config.anchors)
        from_file.check_pixels()
        if Path(config.anchors).suffix.lower() in _WITH_MASKS:
            return _pairs(from_file.wh), from_file.masks
        return _pairs(from_file.wh), _masks(variant, len(from_file), config)
    if start is not None:
        trained = trained_masks(start)
        return start.description.anchors_wh_px, trained or start.description.masks
    anchors = usual_anchors(variant)
    return anchors, _masks(variant, len(anchors), config)


def _pairs(anchors_wh_px: NDArray[np.float64]) -> tuple[Anchor, ...]:
    return tuple((float(width), float(height)) for width, height in anchors_wh_px)


def _masks(variant: str, count: int, config: TrainConfig) -> Masks:
    """The masks of the configuration, or the usual ones for so many anchors."""
    if config.masks:
        return config.masks
    if (variant, count) == ("yolov3-tiny", 6) and not config.compat:
        return _TINY_MASKS
    return default_masks(variant, count)


def _check_masks(masks: Masks, anchors: int, variant: str) -> None:
    levels = LEVELS[variant]
    if len(masks) != len(levels) or not all(masks):
        raise InputError(
            f"There are masks for {counted(len(masks), 'level')}; {variant} has {len(levels)}: "
            f"{', '.join(levels)}.",
            "For each level, coarsest first, give the numbers of its anchors.",
        )
    for level, mask in zip(levels, masks, strict=True):
        beyond = [number for number in mask if not 0 <= number < anchors]
        if beyond:
            raise InputError(
                f"The mask of {level} names anchor {beyond[0]}; there are {anchors}, counted from 0.",
                "Change the mask, or give more anchors.",
            )
