"""The optimizer, and the learning rate from step to step.

optimizer = optimizer_for(network, stage, config)
rate = Rate(optimizer, stage, steps=200, lower_is_better=True)
rate.begin_step()           before every step: sets the rate and returns it
rate.end_epoch(val_loss)    after every epoch
"""

from __future__ import annotations

import math
from typing import TypedDict

import torch
from torch import nn
from torch.optim import Adam

from headlab.train.configuration.config import StageConfig, TrainConfig

COSINE_END = 0.02
"""What is left of the rate at the end of a cosine schedule."""

PLATEAU_MIN_DELTA = 1e-4
"""How much better a validation must be to count for the rate: that of Keras' ReduceLROnPlateau."""

_TORCH_EPSILON = 1e-8
_KERAS_EPSILON = 1e-7


def optimizer_for(network: nn.Module, stage: StageConfig, config: TrainConfig) -> Adam:
    """Adam over the parameters that are trained.

    `weight_decay` goes for the kernels of convolutions alone, not for biases and batch norms, and is added
    to the gradient, as Keras' `kernel_regularizer` is. There it is a factor of w^2, whose gradient is 2 w:
    keras-yolo3's l2(5e-4) is a weight decay of 1e-3.

    With `compat`, epsilon is Keras' 1e-7. Keras adds it before the correction of the bias and PyTorch after
    it, which makes a difference for gradients that are about as small as it.

    On a CPU the fused step takes 38 ms for the 8.7 million parameters of tiny, the one that goes through
    lists of tensors 58 ms, the plain loop 64 ms (one thread). Gradient clipping with 16-mixed cannot go
    with it, since the fused step takes the scale out of the gradients itself.

    Args:
        network: on its device already; see `headlab.train.engine.freezing.freeze`.
        stage: its learning rate.
        config: weight decay, compat, precision, clipping.

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2015).
    """
    trained = [each for each in network.parameters() if each.requires_grad]
    kernels = [each for each in trained if each.ndim == 4]
    others = [each for each in trained if each.ndim != 4]
    groups = [
        {"params": kernels, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return Adam(
        groups,
        lr=stage.lr,
        eps=_KERAS_EPSILON if config.compat else _TORCH_EPSILON,
        fused=not (config.precision == "16-mixed" and config.clip_norm > 0),
    )


class PatienceState(TypedDict):
    """What `Patience` has to remember."""

    best: float | None
    waited: int


class Patience:
    """Counts the epochs since the last better one, as Keras' callbacks do.

    It runs out in the epoch in which `epochs` epochs in a row were not better, and then begins anew; the
    best value stays. PyTorch's ReduceLROnPlateau runs out one epoch later.

    Args:
        epochs: how many, 1 or more.
        min_delta: how much better than the best a value must be.
        lower_is_better: as for a loss; else as for average precision.
    """

    def __init__(self, epochs: int, *, min_delta: float, lower_is_better: bool) -> None:
        self.epochs = epochs
        self.min_delta = min_delta
        self.lower_is_better = lower_is_better
        self._best: float | None = None
        self._waited = 0

    def ran_out(self, value: float) -> bool:
        """Take an epoch's value; a value that is not a number is never better."""
        if self._is_better(value):
            self._best, self._waited = value, 0
            return False
        self._waited += 1
        if self._waited < self.epochs:
            return False
        self._waited = 0
        return True

    def _is_better(self, value: float) -> bool:
        if self._best is None:
            return not math.isnan(value)
        if self.lower_is_better:
            return value < self._best - self.min_delta
        return value > self._best + self.min_delta

    def state_dict(self) -> PatienceState:
        """What to save."""
        return {"best": self._best, "waited": self._waited}

    def load_state_dict(self, state: PatienceState) -> None:
        """Go on from what was saved."""
        self._best, self._waited = state["best"], state["waited"]


class RateState(TypedDict):
    """What `Rate` has to remember."""

    step: int
    reduced: float
    patience: PatienceState


class Rate:
    """The learning rate of a stage: warmup, and then constant, falling on a plateau, or half a cosine.

    In the warmup of w steps, step n from 1 has n / w of the rate. A cosine falls over the steps after it
    from the whole rate in the first of them to 2 % in the last: Loshchilov and Hutter, "SGDR" (2017),
    without restarts.

    Args:
        optimizer: whose rate is set; the wrapper that Fabric gives will do.
        stage: rate, schedule, warmup, patience, factor.
        steps: of the whole stage: epochs times steps per epoch.
        lower_is_better: of what is monitored.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        stage: StageConfig,
        *,
        steps: int,
        lower_is_better: bool,
    ) -> None:
        self._optimizer = optimizer
        self._stage = stage
        self._steps = steps
        self._patience = Patience(
            stage.lr_patience, min_delta=PLATEAU_MIN_DELTA, lower_is_better=lower_is_better
        )
        self._step = 0
        self._reduced = 1.0

    def begin_step(self) -> float:
        """Set the rate of the step that begins, and return it."""
        rate = self._stage.lr * self._reduced * self._factor(self._step)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._step += 1
        return rate

    def end_epoch(self, value: float) -> bool:
        """Take what is monitored at the end of an epoch; whether the rate falls from now on."""
        if self._stage.schedule != "plateau" or not self._patience.ran_out(value):
            return False
        self._reduced *= self._stage.lr_factor
        return True

    def _factor(self, step: int) -> float:
        """The part of the rate that a step from 0 has by warmup and cosine."""
        warmup = self._stage.warmup
        if step < warmup:
            return (step + 1) / warmup
        if self._stage.schedule != "cosine":
            return 1.0
        last = max(self._steps - warmup - 1, 1)
        turn = math.pi * min((step - warmup) / last, 1.0)
        return COSINE_END + (1 - COSINE_END) * (1 + math.cos(turn)) / 2

    def state_dict(self) -> RateState:
        """What to save."""
        return {
            "step": self._step,
            "reduced": self._reduced,
            "patience": self._patience.state_dict(),
        }

    def load_state_dict(self, state: RateState) -> None:
        """Go on from what was saved."""
        self._step, self._reduced = state["step"], state["reduced"]
        self._patience.load_state_dict(state["patience"])


class Stopping:
    """Whether a stage ends early: Keras' EarlyStopping, which takes any better value for better.

    Args:
        stage: `stop_patience`, 0 for never.
        lower_is_better: of what is monitored.
    """

    def __init__(self, stage: StageConfig, *, lower_is_better: bool) -> None:
        self._never = stage.stop_patience == 0
        self._patience = Patience(
            stage.stop_patience, min_delta=0.0, lower_is_better=lower_is_better
        )

    def end_epoch(self, value: float) -> bool:
        """Take what is monitored at the end of an epoch; whether the stage should end."""
        return not self._never and self._patience.ran_out(value)

    def state_dict(self) -> PatienceState:
        """What to save."""
        return self._patience.state_dict()

    def load_state_dict(self, state: PatienceState) -> None:
        """Go on from what was saved."""
        self._patience.load_state_dict(state)
