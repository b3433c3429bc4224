"""A stage of a training while it runs: network, optimizer, learning rate and early stopping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from headlab.train.configuration.config import TrainConfig
from headlab.train.engine.optimisation import Rate, Stopping, optimizer_for
from headlab.yolov3.network import YOLOv3


@dataclass(frozen=True)
class RunningStage:
    """A stage while it runs.

    Attributes:
        number: 1 or 2.
        module: the network as Fabric runs it: compiled, in its precision, joined with other processes.
        optimizer: of the stage's trained parameters.
        rate: the optimizer's learning rate.
        stopping: decides whether the stage ends early.
        fabric: Fabric, which set it up.
    """

    number: int
    module: Any
    optimizer: Any
    rate: Rate
    stopping: Stopping
    fabric: Any

    @classmethod
    def of(
        cls, number: int, network: YOLOv3, config: TrainConfig, steps: int, fabric: Any
    ) -> RunningStage:
        """Set up a stage from its beginning; it trains the parameters that require a gradient now.

        Args:
            number: 1 or 2.
            network: the bare network.
            config: the training's configuration.
            steps: per epoch.
            fabric: launched.
        """
        stage = (config.stage1, config.stage2)[number - 1]
        optimizer = optimizer_for(network, stage, config)
        run = torch.compile(network) if config.compile else network
        module, wrapped = fabric.setup(run, optimizer)
        rate = Rate(wrapped, stage, steps=steps * stage.epochs, lower_is_better=True)
        return cls(number, module, wrapped, rate, Stopping(stage, lower_is_better=True), fabric)

    def parts(self) -> dict[str, Any]:
        """The states of optimizer, learning rate, stopping and precision, for `restore`."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "rate": self.rate.state_dict(),
            "stopping": self.stopping.state_dict(),
            "precision": self.fabric.strategy.precision.state_dict(),
        }

    def restore(self, parts: Mapping[str, Any]) -> None:
        """Continue from `parts`; if they are empty, the stage has not begun."""
        if not parts:
            return
        self.optimizer.load_state_dict(parts["optimizer"])
        self.rate.load_state_dict(parts["rate"])
        self.stopping.load_state_dict(parts["stopping"])
        self.fabric.strategy.precision.load_state_dict(parts["precision"])
