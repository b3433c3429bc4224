"""A training before its first step: data, network and configuration, with everything decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from headlab.errors import InputError
from headlab.plain_text import counted, size_text
from headlab.train.configuration.config import StageConfig, TrainConfig
from headlab.train.configuration.file import differences, dump, load, loads
from headlab.train.data.fingerprint import changes, fingerprint
from headlab.train.data.photos import Photos
from headlab.train.data.splits import Data, read_data
from headlab.train.engine.state import State, load_network, load_state
from headlab.train.network import make
from headlab.train.run_folder import CONFIG_NAME, STATE_NAME, WEIGHT_SUFFIXES
from headlab.yolov3.augment.options import AugmentOptions
from headlab.yolov3.augment.pipeline import Augmenter
from headlab.yolov3.loss_options import LossOptions
from headlab.yolov3.network import YOLOv3
from headlab.yolov3.targets.assigner import Assigner

MAY_CHANGE = ("workers", "device", "data.train", "data.val", "data.images", "data.names")
"""The values that may change when a training is resumed: where it runs, and where its data set lies now,
which the fingerprint recognises; but nothing that it computes with."""


@dataclass(frozen=True, repr=False)
class Plan:
    """A training, ready to run: `headlab.train.run(plan)` runs it.

    Attributes:
        config: the configuration, with everything decided.
        folder: where everything is written.
        train: the photos to train on.
        val: the photos to validate on; None for none.
        network: the network, a PyTorch module, with its start weights.
        notes: what the user should know, in sentences.
        state: the state to resume from; None for a new training.
    """

    config: TrainConfig
    folder: Path
    train: Photos
    val: Photos | None
    network: YOLOv3
    notes: tuple[str, ...]
    state: State | None = None

    def __repr__(self) -> str:
        validated = counted(len(self.val), "photo") if self.val is not None else "nothing"
        return (
            f"<Plan: {self.config.variant} at {size_text(self.config.imgsz)}, "
            f"{counted(len(self.train.class_names), 'class', 'classes')}, "
            f"training on {counted(len(self.train), 'photo')}, validating on {validated}, in {self.folder}>"
        )

    @property
    def stages(self) -> tuple[StageConfig, StageConfig]:
        """Both stages."""
        return self.config.stage1, self.config.stage2

    @cached_property
    def fingerprint(self) -> str:
        """See `headlab.train.data.fingerprint.fingerprint`; each photo is read for it."""
        return fingerprint(self.train, self.val)

    def loss_options(self) -> LossOptions:
        """How the loss is computed."""
        options = self.config.loss.model_dump()
        if self.config.compat:
            options["ignore_truths"] = "level"
        return LossOptions(**options)

    def assigner(self) -> Assigner:
        """Makes the targets."""
        return Assigner(self.network.description, compat=self.config.compat)

    def augmenter(self) -> Augmenter:
        """Augments the training photos."""
        return Augmenter(augment_options(self.config), self.config.compat)

    def val_augmenter(self) -> Augmenter:
        """Letterboxes the photos of the validation loss; with `compat` augments them, as keras-yolo3 does."""
        return self.augmenter() if self.config.compat else Augmenter(None)


def augment_options(config: TrainConfig) -> AugmentOptions:
    """The options of the augmentation."""
    names = {field.name for field in fields(AugmentOptions)}
    return AugmentOptions(**config.augment.model_dump(include=names))


def new_plan(config: TrainConfig, folder: str | Path) -> Plan:
    """Read the data, decide what is open, make the network.

    Args:
        config: the configuration.
        folder: where the training will write; nothing is written yet.

    Raises:
        InputError: there is nothing to train on, the batch is larger than the data set, or some values of
            the configuration contradict each other or the data.
        CheckpointError: the start weights cannot be read, or none of them fit.
    """
    return _planned(_with_debug(config), Path(folder))


def resumed_plan(folder: str | Path, overrides: Mapping[str, Any] | None = None) -> Plan:
    """Continue a training after its last epoch.

    Args:
        folder: the training's folder.
        overrides: values by dotted name, as `configuration.file.load` takes them.

    Raises:
        CheckpointError: there is no state to resume from, or it is damaged.
        InputError: the training is finished, or its configuration or data have changed.
    """
    where = Path(folder)
    state = load_state(where)
    if state.progress.finished:
        raise InputError(
            f"{where}: this training is finished; there is nothing to resume.",
            f"To train further, begin a new training with --start {_weights(where, 'last')}.",
        )
    before = loads(state.config)
    path = where / CONFIG_NAME
    now = (
        load(path, overrides)
        if path.is_file()
        else loads(state.config, str(where / STATE_NAME), overrides)
    )
    changed = [
        difference
        for difference in differences(before, now)
        if difference.split(":")[0].strip() not in MAY_CHANGE
    ]
    if changed:
        raise InputError(
            f"{where}: this training began with another configuration: {'; '.join(changed)}.",
            f"A training is resumed as it began (only {', '.join(MAY_CHANGE[:-1])} and {MAY_CHANGE[-1]} may "
            f"change). For other values, begin a new one with --start {_weights(where, 'best')}.",
        )
    plan = _planned(now, where, state)
    changed_data = changes(state.fingerprint, plan.fingerprint)
    if changed_data:
        raise InputError(
            f"{where}: the photos or boxes have changed since this training began: {changed_data}.",
            f"Restore them, or begin a new training with --start {_weights(where, 'best')}.",
        )
    load_network(plan.network, state, where)
    return plan


def _weights(folder: Path, name: str) -> Path:
    """The weights of a training, in the first format that exists."""
    paths = [folder / f"{name}{suffix}" for suffix in WEIGHT_SUFFIXES.values()]
    return next((path for path in paths if path.is_file()), paths[0])


def _with_debug(config: TrainConfig) -> TrainConfig:
    """The configuration with the values that `debug` implies."""
    if not config.debug:
        return config
    return config.model_copy(update={"workers": 0, "compile": False, "devices": 1, "num_nodes": 1})


def _planned(config: TrainConfig, folder: Path, state: State | None = None) -> Plan:
    data = read_data(config.data, config.imgsz)
    config = config.model_copy(update={"data": data.config})
    epsilon = None if state is None else state.epsilon
    _check(config, data)
    prepared = make(config, data.train.class_names, data.table, epsilon)
    notes = (*config.remarks, *data.notes, *prepared.notes)
    return Plan(prepared.config, folder, data.train, data.val, prepared.network, notes, state)


def _check(config: TrainConfig, data: Data) -> None:
    """Refuse what would otherwise fail in the first step or after the first epoch.

    Raises:
        InputError: see `new_plan`.
    """
    names, weights = data.train.class_names, config.loss.class_weights
    if weights is not None and len(weights) != len(names):
        raise InputError(
            f"loss.class_weights are {counted(len(weights), 'number')}; there are "
            f"{counted(len(names), 'class', 'classes')}: {', '.join(names)}.",
            "Give one number for each class, in this order.",
        )
    if config.monitor != "loss" and (data.val is None or not data.val.box_count):
        missing = "there is no validation" if data.val is None else "no validation photo has a box"
        raise InputError(
            f"monitor is {config.monitor}, and {missing}, so that there is no average precision.",
            "Set monitor to loss, or validate on photos with boxes: data.val, data.val_split or "
            "data.val_fraction.",
        )


def config_text(plan: Plan) -> str:
    """The configuration as it is written into the folder."""
    return dump(plan.config)
