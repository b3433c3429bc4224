"""A training before its first step: data, network and configuration, with nothing left open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from headlab.errors import InputError
from headlab.train.configuration.config import StageConfig, TrainConfig
from headlab.train.configuration.file import differences, dump, load, loads
from headlab.train.data.photos import Photos
from headlab.train.data.splits import Data, read_data
from headlab.train.engine.state import NAME as STATE_NAME
from headlab.train.engine.state import State, load_network, load_state
from headlab.train.engine.weight_files import SUFFIXES
from headlab.train.network import make
from headlab.yolov3.augment.options import AugmentOptions
from headlab.yolov3.augment.pipeline import Augmenter
from headlab.yolov3.loss_options import LossOptions
from headlab.yolov3.network import YOLOv3
from headlab.yolov3.targets.assigner import Assigner

CONFIG_NAME = "config.yaml"

MAY_CHANGE = ("workers", "device", "data.train", "data.val", "data.images", "data.classes")
"""What a training that goes on may have otherwise: where it runs and where its data set has moved to, which
its fingerprint recognises; not what it computes."""


@dataclass(frozen=True)
class Plan:
    """A training, ready to run.

    Attributes:
        config: with nothing left open.
        folder: where everything is written.
        train: the photos to train on.
        val: the photos to validate on; None for none.
        network: with the weights to start from.
        notes: what the user should know.
        state: to go on from; None for a new training.
    """

    config: TrainConfig
    folder: Path
    train: Photos
    val: Photos | None
    network: YOLOv3
    notes: tuple[str, ...]
    state: State | None = None

    @property
    def stages(self) -> tuple[StageConfig, StageConfig]:
        """Both stages."""
        return self.config.stage1, self.config.stage2

    def loss_options(self) -> LossOptions:
        """How the loss is reckoned."""
        chosen = self.config.loss.model_dump()
        if self.config.compat:
            chosen["ignore_truths"] = "level"
        return LossOptions(**chosen)

    def assigner(self) -> Assigner:
        """What makes the targets."""
        return Assigner(self.network.description, compat=self.config.compat)

    def augmenter(self) -> Augmenter:
        """What varies the training photos."""
        return Augmenter(augment_options(self.config), self.config.compat)

    def val_augmenter(self) -> Augmenter:
        """What prepares the validation photos: letterboxing, but keras-yolo3 varies them as well."""
        return self.augmenter() if self.config.compat else Augmenter(None)


def augment_options(config: TrainConfig) -> AugmentOptions:
    """The options of the augmentation."""
    known = {each.name for each in fields(AugmentOptions)}
    return AugmentOptions(**config.augment.model_dump(include=known))


def plan(config: TrainConfig, folder: str | Path) -> Plan:
    """Read the data, decide what is open, make the network.

    Raises:
        InputError: there is nothing to train on, the batch is larger than the data set, or something of the
            configuration does not fit the rest.
        CheckpointError: the start cannot be read, or nothing of it fits.
    """
    return _planned(_settled(config), Path(folder))


def resume(folder: str | Path, overrides: Mapping[str, Any] | None = None) -> Plan:
    """Go on with a training from its last epoch.

    Args:
        folder: of the training.
        overrides: dotted names of the configuration and values, as `configuration.file.load` takes them.

    Raises:
        CheckpointError: there is no state to go on from, or it is damaged.
        InputError: the training is finished, or the configuration or the data are others than those it
            began with.
    """
    where = Path(folder)
    state = load_state(where)
    if state.progress.finished:
        raise InputError(
            f"{where}: this training is finished; there is nothing to go on with.",
            f"To train further, begin a new one with --start {_weights(where, 'last')}.",
        )
    began = loads(state.config)
    path = where / CONFIG_NAME
    now = (
        load(path, overrides)
        if path.is_file()
        else loads(state.config, str(where / STATE_NAME), overrides)
    )
    changed = [
        each for each in differences(began, now) if each.split(":")[0].strip() not in MAY_CHANGE
    ]
    if changed:
        raise InputError(
            f"{where}: this training began with another configuration: {'; '.join(changed)}.",
            f"A training goes on as it began (only {', '.join(MAY_CHANGE[:-1])} and {MAY_CHANGE[-1]} may "
            f"change). For others, begin a new one with --start {_weights(where, 'best')}.",
        )
    made = _planned(now, where, state)
    if _fingerprint(made.train, made.val) != state.fingerprint:
        raise InputError(
            f"{where}: the photos or boxes have changed since this training began.",
            f"Bring them back, or begin a new training with --start {_weights(where, 'best')}.",
        )
    load_network(made.network, state, where)
    return made


def _weights(folder: Path, name: str) -> Path:
    """The weights of a training in the first of the formats that are there."""
    paths = [folder / f"{name}{suffix}" for suffix in SUFFIXES.values()]
    return next((each for each in paths if each.is_file()), paths[0])


def fingerprint(made: Plan) -> str:
    """Of the photos and boxes of a plan."""
    return _fingerprint(made.train, made.val)


def _fingerprint(train: Photos, val: Photos | None) -> str:
    return train.fingerprint + (f"/{val.fingerprint}" if val is not None else "")


def _settled(config: TrainConfig) -> TrainConfig:
    """With `debug` spelled out."""
    if not config.debug:
        return config
    return config.model_copy(update={"workers": 0, "compile": False, "devices": 1, "num_nodes": 1})


def _planned(config: TrainConfig, folder: Path, state: State | None = None) -> Plan:
    data = read_data(config.data)
    config = config.model_copy(update={"data": data.config})
    epsilon = None if state is None else state.epsilon
    _check(config, data)
    made = make(config, data.train.class_names, data.table, epsilon)
    notes = (*data.notes, *made.notes)
    return Plan(made.config, folder, data.train, data.val, made.network, notes, state)


def _check(config: TrainConfig, data: Data) -> None:
    """Refuse what would only be noticed in a step, or after an epoch.

    Raises:
        InputError: see `plan`.
    """
    names, weights = data.train.class_names, config.loss.class_weights
    if weights is not None and len(weights) != len(names):
        raise InputError(
            f"loss.class_weights are {len(weights)} numbers; there are {len(names)} classes: "
            f"{', '.join(names)}.",
            "Give one number for each class, in this order.",
        )
    if config.monitor != "loss" and (data.val is None or not data.val.box_count):
        missing = "there is no validation" if data.val is None else "no validation photo has a box"
        raise InputError(
            f"monitor is {config.monitor}, and {missing}, so that there is no average precision.",
            "Set monitor to loss, or validate on photos with boxes: data.val, data.val_split or "
            "data.val_fraction.",
        )


def config_text(made: Plan) -> str:
    """The configuration as it is written beside the weights."""
    return dump(made.config)
