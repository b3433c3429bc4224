"""A YOLOv3 network made for prediction: the same outputs as the network it is made from, faster.

Batch normalisation is folded into the convolution before it. On CPUs the weights are packed once instead
of at every call, leaky ReLU happens within the convolution, and the images of a batch are computed one
after the other, which is faster than together: what one layer writes is still in the cache when the next
one reads it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from headlab.checkpoint.yolov3 import architecture
from headlab.checkpoint.yolov3.architecture import LARGEST_STRIDE_PX
from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.checkpoint.yolov3.description import Description
from headlab.yolov3 import packed
from headlab.yolov3.blocks import LEAKY_SLOPE
from headlab.yolov3.load import tensor_of
from headlab.yolov3.network import YOLOv3, check_input

_ROWS_AT_ONCE = 64
"""Output channels to fold together: more would need much memory for their float64 numbers."""


class FusedYOLOv3(nn.Module):
    """What `fused` makes; it takes and gives what `YOLOv3` does, and cannot be trained.

    Attributes:
        description: the model without its weights.
        body: the network, its convolutions replaced.
        image_by_image: whether a batch is computed one image after the other.
    """

    def __init__(self, description: Description, body: YOLOv3, image_by_image: bool) -> None:
        super().__init__()
        self.description = description
        self.body = body
        self.image_by_image = image_by_image

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """The raw outputs by level; see `YOLOv3.forward`.

        Raises:
            InputError: the height or the width is not a multiple of 32, or there are not 3 channels.
        """
        check_input(images)
        with torch.no_grad():
            if not self.image_by_image or len(images) <= 1:
                return tuple(self.body(images))
            by_image = [self.body(image) for image in images.split(1)]
            return tuple(torch.cat(level) for level in zip(*by_image, strict=True))


class FoldedConvolution(nn.Module):
    """A convolution with a bias, followed by leaky ReLU if `leaky`, with public operations only."""

    def __init__(self, weight: Tensor, bias: Tensor, stride: int, leaky: bool) -> None:
        super().__init__()
        self.register_buffer("weight", weight.contiguous(memory_format=torch.channels_last))
        self.register_buffer("bias", bias)
        self.stride, self.leaky = stride, leaky

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) -> (B, O, H/stride, W/stride)."""
        padding = self.weight.shape[-1] // 2
        outputs = functional.conv2d(x, self.weight, self.bias, self.stride, padding)
        return functional.leaky_relu(outputs, LEAKY_SLOPE, inplace=True) if self.leaky else outputs


def fused(
    source: YOLOv3 | Yolov3Checkpoint,
    *,
    device: torch.device | str | None = None,
    use_packed: bool | None = None,
) -> FusedYOLOv3:
    """Make the network for prediction.

    From a checkpoint, tensor after tensor is read, folded and packed, so that the memory holds the
    weights once.

    Args:
        source: a network, which stays as it is, or a checkpoint.
        device: where to compute; by default where the network is, or on the CPU.
        use_packed: whether to use PyTorch's packed convolutions; by default on CPUs where they work.

    Raises:
        CheckpointError: the checkpoint is damaged, or holds weights that are not finite.
    """
    if isinstance(source, YOLOv3):
        state = source.state_dict()
        described, tensor = source.description, state.__getitem__
        here = next(source.parameters()).device
    else:
        described, here = source.description, torch.device("cpu")

        def tensor(name: str) -> Tensor:
            return tensor_of(source, name)

    target = here if device is None else torch.device(device)
    if use_packed is None:
        use_packed = target.type == "cpu" and packed.usable()
    with torch.device("meta"):
        body = YOLOv3(described).eval()
    grids = _grids(body)
    with torch.no_grad():
        # The largest first: what its folding leaves free in memory, the smaller ones fit in.
        for each in sorted(described.architecture.convolutions, key=lambda each: -each.floats):
            weight, bias = folded(each, tensor, described.batch_norm_epsilon)
            weight, bias = weight.to(target), bias.to(target)
            made = _convolution(each, weight, bias, grids[each.name], use_packed)
            body.set_submodule(each.name, made)
    return FusedYOLOv3(described, body, image_by_image=use_packed)


def folded(
    convolution: architecture.Convolution, tensor: Callable[[str], Tensor], epsilon: float
) -> tuple[Tensor, Tensor]:
    """A convolution's weight and bias with the batch normalisation after it folded in.

    gamma * (W x - mean) / sqrt(variance + epsilon) + beta = (s W) x + (beta - s mean), where
    s = gamma / sqrt(variance + epsilon), computed in float64 and rounded once.

    Returns:
        weight (O, I, k, k) and bias (O), float32.
    """
    weight, bias = tensor(convolution.weight), tensor(convolution.bias)
    if not convolution.batch_norm:
        return weight.clone(), bias.clone()
    variance, gamma = tensor(convolution.variance).double(), tensor(convolution.scale).double()
    scale = gamma / torch.sqrt(variance + epsilon)
    shifted = bias.double() - scale * tensor(convolution.mean).double()
    scaled = torch.empty_like(weight)
    for first in range(0, len(scale), _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        scaled[rows] = weight[rows].double() * scale[rows].view(-1, 1, 1, 1)
    return scaled, shifted.float()


def _convolution(
    each: architecture.Convolution,
    weight: Tensor,
    bias: Tensor,
    grid_hw: tuple[int, int],
    use_packed: bool,
) -> nn.Module:
    """The module that computes a convolution on a grid."""
    if not use_packed:
        return FoldedConvolution(weight, bias, each.stride, each.batch_norm)
    return packed.PackedConvolution(weight, bias, each.stride, grid_hw, leaky=each.batch_norm)


def _grids(body: YOLOv3) -> dict[str, tuple[int, int]]:
    """The grid that each convolution reads, by name, for the input size that the model was made for."""
    grids: dict[str, tuple[int, int]] = {}
    convolutions = {each.name for each in body.description.architecture.convolutions}

    def noted(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def note(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            grids[name] = tuple(inputs[0].shape[2:])

        return note

    hooks = [
        module.register_forward_pre_hook(noted(name))
        for name, module in body.named_modules()
        if name in convolutions
    ]
    sides = (
        -(-side // LARGEST_STRIDE_PX) * LARGEST_STRIDE_PX for side in body.description.input_hw_px
    )
    body(torch.empty(1, 3, *sides, device="meta"))
    for hook in hooks:
        hook.remove()
    return grids
