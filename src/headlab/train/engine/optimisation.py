"""The optimizer, the learning rate of each step, and early stopping.

optimizer = optimizer_for(network, stage, config)
rate = Rate(optimizer, stage, steps=200, lower_is_better=True)
rate.begin_step()           before every step: sets the learning rate and returns it
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
"""The fraction of the learning rate that is left at the end of a cosine schedule."""

PLATEAU_MIN_DELTA = 1e-4
"""The least improvement that counts for the learning rate, as in Keras' ReduceLROnPlateau."""

_TORCH_EPSILON = 1e-8
_KERAS_EPSILON = 1e-7


def optimizer_for(network: nn.Module, stage: StageConfig, config: TrainConfig) -> Adam:
    """Adam over the trained parameters.

    `weight_decay` applies to the kernels of convolutions only, not to biases and batch norms, and is added
    to the gradient like Keras' `kernel_regularizer`. There it is a factor of w^2, whose gradient is 2 w:
    keras-yolo3's l2(5e-4) is a weight decay of 1e-3.

    With `compat`, epsilon is Keras' 1e-7. Keras adds it before the bias correction and PyTorch after it,
    which matters for gradients as small as epsilon.

    On a CPU, for the 8.7 million parameters of tiny, the fused step takes 38 ms, the step over lists of
    tensors 58 ms, the plain loop 64 ms (one thread). It cannot be combined with gradient clipping in
    16-mixed, since the fused step itself takes the scale out of the gradients.

    Args:
        network: already on its device; see `headlab.train.engine.freezing.freeze`.
        stage: gives the learning rate.
        config: gives weight decay, compat, precision and clipping.

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2015).
    """
    trained = [weights for weights in network.parameters() if weights.requires_grad]
    kernels = [weights for weights in trained if weights.ndim == 4]
    others = [weights for weights in trained if weights.ndim != 4]
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
    """What a saved `Patience` consists of."""

    best: float | None
    waited: int


class Patience:
    """Counts the epochs since the last improvement, as Keras' callbacks do.

    It runs out when `epochs` epochs in a row have not improved, and then starts again; the best value is
    kept. PyTorch's ReduceLROnPlateau runs out one epoch later.

    Args:
        epochs: how many, at least 1.
        min_delta: the least improvement on the best value that counts.
        lower_is_better: true for a loss, false for average precision.
    """

    def __init__(self, epochs: int, *, min_delta: float, lower_is_better: bool) -> None:
        self.epochs = epochs
        self.min_delta = min_delta
        self.lower_is_better = lower_is_better
        self._best: float | None = None
        self._waited = 0

    def ran_out(self, value: float) -> bool:
        """Take an epoch's value, and say whether patience ran out; NaN is never an improvement."""
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
        """The state to save."""
        return {"best": self._best, "waited": self._waited}

    def load_state_dict(self, state: PatienceState) -> None:
        """Continue from a saved state."""
        self._best, self._waited = state["best"], state["waited"]


class RateState(TypedDict):
    """What a saved `Rate` consists of."""

    step: int
    reduced: float
    patience: PatienceState


class Rate:
    """The learning rate of a stage: warm-up, then constant, reduced on a plateau, or half a cosine.

    In a warm-up of w steps, step n (from 1) has n / w of the learning rate. A cosine decays over the steps
    after it, from the full rate in the first of them to 2 % in the last: Loshchilov and Hutter, "SGDR"
    (2017), without restarts.

    Args:
        optimizer: its learning rate is set; Fabric's wrapper will do.
        stage: gives learning rate, schedule, warm-up, patience and factor.
        steps: of the whole stage: epochs times steps per epoch.
        lower_is_better: whether lower values of the monitored quantity are better.
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
        """Set the learning rate of the next step, and return it."""
        rate = self._stage.lr * self._reduced * self._factor(self._step)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._step += 1
        return rate

    def end_epoch(self, value: float) -> bool:
        """Take the monitored value of an epoch; return whether the learning rate is reduced from now on."""
        if self._stage.schedule != "plateau" or not self._patience.ran_out(value):
            return False
        self._reduced *= self._stage.lr_factor
        return True

    def _factor(self, step: int) -> float:
        """The fraction of the learning rate that warm-up and cosine leave to a step, counted from 0."""
        warmup = self._stage.warmup
        if step < warmup:
            return (step + 1) / warmup
        if self._stage.schedule != "cosine":
            return 1.0
        last = max(self._steps - warmup - 1, 1)
        turn = math.pi * min((step - warmup) / last, 1.0)
        return COSINE_END + (1 - COSINE_END) * (1 + math.cos(turn)) / 2

    def state_dict(self) -> RateState:
        """The state to save."""
        return {
            "step": self._step,
            "reduced": self._reduced,
            "patience": self._patience.state_dict(),
        }

    def load_state_dict(self, state: RateState) -> None:
        """Continue from a saved state."""
        self._step, self._reduced = state["step"], state["reduced"]
        self._patience.load_state_dict(state["patience"])


class Stopping:
    """Early stopping, as Keras' EarlyStopping, for which any improvement counts.

    Args:
        stage: gives `stop_patience`; 0 means never.
        lower_is_better: whether lower values of the monitored quantity are better.
    """

    def __init__(self, stage: StageConfig, *, lower_is_better: bool) -> None:
        self._never = stage.stop_patience == 0
        self._patience = Patience(
            stage.stop_patience, min_delta=0.0, lower_is_better=lower_is_better
        )

    def end_epoch(self, value: float) -> bool:
        """Take the monitored value of an epoch; return whether the stage should end."""
        return not self._never and self._patience.ran_out(value)

    def state_dict(self) -> PatienceState:
        """The state to save."""
        return self._patience.state_dict()

    def load_state_dict(self, state: PatienceState) -> None:
        """Continue from a saved state."""
        self._patience.load_state_dict(state)
