"""The configuration as keyword arguments, for the signatures of `headlab.train`.

The names and meanings are those of `headlab.train.configuration.config`, which checks the values and has
the defaults; a test compares the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from headlab.train.configuration.config import AugmentConfig, LossConfig, StageConfig
    from headlab.train.configuration.values import (
        AnnotationFormat,
        BoxTerms,
        Compat,
        FreezeChoice,
        IgnoreTruths,
        Monitor,
        Precision,
        Schedule,
        Variant,
        WeightFormat,
    )


class DataKeywords(TypedDict, total=False):
    """Values of `DataConfig`."""

    train: str | Path
    val: str | Path | None
    train_split: str | None
    val_split: str | None
    val_fraction: float
    split_seed: int
    format: AnnotationFormat | None
    images: str | Path | None
    names: str | Path | None
    encoding: str | None


class StageKeywords(TypedDict, total=False):
    """Values of `StageConfig`; those left out keep the defaults of the stage."""

    epochs: int
    freeze: FreezeChoice
    lr: float
    schedule: Schedule
    warmup: int
    lr_patience: int
    lr_factor: float
    stop_patience: int


class AugmentKeywords(TypedDict, total=False):
    """Values of `AugmentConfig`."""

    enabled: bool
    jitter: float
    scale_min: float
    scale_max: float
    hflip: float
    vflip: float
    hue: float
    saturation: float
    value: float
    min_visible: float
    mosaic: float
    multi_scale: int
    multi_scale_min: int
    multi_scale_max: int


class LossKeywords(TypedDict, total=False):
    """Values of `LossConfig`."""

    ignore_thresh: float
    ignore_truths: IgnoreTruths
    box: BoxTerms
    box_weight: float
    focal_gamma: float
    focal_alpha: float | None
    label_smoothing: float
    class_weights: Sequence[float] | None


class TrainKeywords(TypedDict, total=False):
    """Values of `TrainConfig` except for its data, which `headlab.train.plan` takes on its own."""

    variant: Variant | None
    start: str | Path | None
    start_cfg: str | Path | None
    anchors: str | Path | Sequence[tuple[float, float]]
    masks: Sequence[Sequence[int]] | None
    imgsz: int | tuple[int, int]
    batch: int
    stage1: StageKeywords | StageConfig
    stage2: StageKeywords | StageConfig
    weight_decay: float
    clip_norm: float
    norm_momentum: float
    augment: AugmentKeywords | AugmentConfig
    loss: LossKeywords | LossConfig
    monitor: Monitor
    evaluate_every: int
    seed: int
    compat: Compat | None
    formats: WeightFormat | Sequence[WeightFormat]
    precision: Precision
    compile: bool
    device: str
    devices: int
    num_nodes: int
    workers: int
    debug: bool
