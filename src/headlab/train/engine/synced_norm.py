"""Batch normalisation over the batches of all processes together.

Each of R processes sees a part of the batch. If each normalised with the statistics of its own part, two
processes would learn something else than one does; torch's SyncBatchNorm works on GPUs only.

Letters in shapes: B batch (of this process), C channels, H W grid, R processes.

Source: Ioffe and Szegedy, "Batch Normalization" (2015); Chan, Golub and LeVeque, "Updating Formulae and a
Pairwise Algorithm for Computing Sample Variances" (1979), for combining the variances.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional

from headlab.yolov3.network import YOLOv3

_OVER = (0, 2, 3)


def synced(network: YOLOv3, device: torch.device) -> YOLOv3:
    """Make the batch norms of a network use the batches of all processes; in place.

    Parameters, running statistics, their names and whether they are trained do not change. If there is more
    than one process, call this before the network is set up for them.

    Args:
        network: its nn.BatchNorm2d are replaced.
        device: where it will be trained; on a GPU torch's own SyncBatchNorm is used.

    Returns:
        The same network.
    """
    if device.type == "cuda":
        nn.SyncBatchNorm.convert_sync_batchnorm(network)
        return network
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.BatchNorm2d:
                setattr(parent, name, _synced(child))
    return network


def _synced(norm: nn.BatchNorm2d) -> SyncedBatchNorm:
    with torch.device("meta"):
        synced_norm = SyncedBatchNorm(norm.num_features, norm.eps, norm.momentum)
    synced_norm.weight, synced_norm.bias = norm.weight, norm.bias
    for name, buffer in norm.named_buffers():
        setattr(synced_norm, name, buffer)
    synced_norm.train(norm.training)
    return synced_norm


class SyncedBatchNorm(nn.BatchNorm2d):
    """nn.BatchNorm2d that uses the statistics of all processes' batches in training mode.

    (B, C, H, W) -> (B, C, H, W). All processes must call it; their parts may differ in size.
    """

    def forward(self, x: Tensor) -> Tensor:
        """See the class; without a process group, or in evaluation mode, it is nn.BatchNorm2d."""
        if not (self.training and dist.is_initialized() and dist.get_world_size() > 1):
            return super().forward(x)
        normalised, mean, variance, count = _Normalise.apply(x, self.weight, self.bias, self.eps)
        with torch.no_grad():
            unbiased = variance * (count / (count - 1))
            self.running_mean.lerp_(mean.to(self.running_mean), self.momentum)
            self.running_var.lerp_(unbiased.to(self.running_var), self.momentum)
            self.num_batches_tracked += 1
        return normalised


class _Normalise(Function):
    """y = (x - m) / sqrt(v + eps) * weight + bias, with mean m and variance v over all processes.

    With x' = (x - m) / sqrt(v + eps), g = dL/dy, and means over all N = sum of B * H * W values of a
    channel, where L is the sum of the processes' losses:

        dL/dx = weight / sqrt(v + eps) * (g - mean(g) - x' * mean(g * x'))

    and the gradients of weight and bias are this process's part of sum(g * x') and sum(g); whoever
    averages the gradients combines the parts of the processes.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Any:
        variance, mean = torch.var_mean(x.to(weight.dtype), _OVER, correction=0)
        mean, variance, count = _combined(mean, variance, x.numel() // x.shape[1])
        y = functional.batch_norm(x, mean, variance, weight, bias, training=False, eps=eps)
        ctx.save_for_backward(x, weight, mean, (variance + eps).rsqrt(), count)
        ctx.mark_non_differentiable(mean, variance, count)
        return y, mean, variance, count

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: Any) -> Any:
        x, weight, mean, inverse, count = ctx.saved_tensors
        x = (x - _wide(mean)) * _wide(inverse)
        wide = grad.to(weight.dtype)
        sums = torch.stack((wide.sum(_OVER), (wide * x).sum(_OVER)))
        by_bias, by_weight = sums.clone()
        dist.all_reduce(sums)
        of_grad, of_product = sums / count
        by_x = _wide(weight * inverse) * (wide - _wide(of_grad) - x * _wide(of_product))
        return by_x.to(grad.dtype), by_weight, by_bias, None


def _combined(mean: Tensor, variance: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and variance (C,) over all processes, and the number of values, (), from each process's own."""
    own = torch.cat((mean, variance, mean.new_tensor([count])))
    gathered = [torch.empty_like(own) for _ in range(dist.get_world_size())]
    dist.all_gather(gathered, own)
    parts = torch.stack(gathered).double()
    means, variances = parts[:, :-1].unflatten(1, (2, -1)).unbind(1)
    counts = parts[:, -1:]
    total = counts.sum()
    overall = (counts * means).sum(0) / total
    spread = (counts * (variances + (means - overall).square())).sum(0) / total
    return overall.to(mean), spread.to(mean), total.to(mean)


def _wide(values: Tensor) -> Tensor:
    """(C,) as (1, C, 1, 1)."""
    return values[:, None, None]
