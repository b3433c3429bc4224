"""The three networks of YOLOv3 as data: their layers in the order of a darknet file, by name.

Everything that needs to know a network reads this: the readers and writers of its files, the check of a
`.cfg`, and the modules that compute it (`headlab.yolov3.network`), whose `state_dict` has these names.

`headlab.checkpoint.yolov3.layer_graphs` puts the layers together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from headlab.checkpoint.tensors import Tensor

BOX_NUMBERS = 5
"""The outputs of a slot before its classes: tx, ty, tw, th, objectness."""

LEVELS = {
    "yolov3": ("P5", "P4", "P3"),
    "yolov3-spp": ("P5", "P4", "P3"),
    "yolov3-tiny": ("P5", "P4"),
}
"""The levels of each network, coarsest first, as darknet and keras-yolo3 list its outputs."""

STRIDES_PX = {"P5": 32, "P4": 16, "P3": 8}

LARGEST_STRIDE_PX = max(STRIDES_PX.values())


@dataclass(frozen=True)
class Convolution:
    """A convolution, followed by batch normalisation and leaky ReLU (0.1) unless it is an output.

    Attributes:
        name: of the module, such as "backbone.stage3.residual1.expand" or "P5.output".
        in_channels: channels in.
        out_channels: channels out.
        size: 1 or 3, the side of the kernel; the padding keeps the grid.
        stride: 1 or 2.
        batch_norm: whether batch normalisation and leaky ReLU follow; outputs have a bias instead.
    """

    name: str
    in_channels: int
    out_channels: int
    size: int
    stride: int = 1
    batch_norm: bool = True

    @property
    def weight(self) -> str:
        """The name of the kernel, shape (out, in, size, size)."""
        return f"{self.name}.conv.weight" if self.batch_norm else f"{self.name}.weight"

    @property
    def bias(self) -> str:
        """The name of what is added to each channel: beta of the batch normalisation, or the bias."""
        return f"{self.name}.norm.bias" if self.batch_norm else f"{self.name}.bias"

    @property
    def scale(self) -> str:
        """The name of gamma, only with batch normalisation."""
        return f"{self.name}.norm.weight"

    @property
    def mean(self) -> str:
        """The name of the running mean, only with batch normalisation."""
        return f"{self.name}.norm.running_mean"

    @property
    def variance(self) -> str:
        """The name of the running variance, only with batch normalisation."""
        return f"{self.name}.norm.running_var"

    @property
    def darknet_order(self) -> tuple[str, ...]:
        """Its tensors in the order of a `.weights` file: beta, gamma, mean, variance, kernel."""
        if self.batch_norm:
            return self.bias, self.scale, self.mean, self.variance, self.weight
        return self.bias, self.weight

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Its tensors in the order of a `state_dict`, float32."""
        kernel = (self.out_channels, self.in_channels, self.size, self.size)
        per_channel = (self.scale, self.bias) if self.batch_norm else (self.bias,)
        running = (self.mean, self.variance) if self.batch_norm else ()
        return (
            Tensor(self.weight, kernel, "float32", True),
            *(Tensor(name, (self.out_channels,), "float32", True) for name in per_channel),
            *(Tensor(name, (self.out_channels,), "float32", False) for name in running),
        )

    @property
    def floats(self) -> int:
        """How many numbers of a `.weights` file are its."""
        return sum(tensor.numel for tensor in self.tensors)


@dataclass(frozen=True)
class MaxPool:
    """Max pooling that keeps the grid where the stride is 1 (darknet pads right and below)."""

    size: int
    stride: int


@dataclass(frozen=True)
class Shortcut:
    """Add the output of layer `source` (its number in the list of layers)."""

    source: int


@dataclass(frozen=True)
class Route:
    """Concatenate the outputs of layers (their numbers), in this order, along the channels."""

    sources: tuple[int, ...]


@dataclass(frozen=True)
class Upsample:
    """Repeat every cell `stride` times in both directions."""

    stride: int


@dataclass(frozen=True)
class Detection:
    """darknet's `[yolo]`: the candidates of a level, from the output convolution before it."""

    level: str


Layer = Convolution | MaxPool | Shortcut | Route | Upsample | Detection


@dataclass(frozen=True)
class Architecture:
    """A network's layers, numbered as darknet numbers them (the `[net]` section not counted).

    Attributes:
        variant: "yolov3", "yolov3-spp" or "yolov3-tiny".
        class_count: C.
        slots: anchors per cell by level, coarsest first.
        layers: in the order of the `.cfg` and `.weights` file.
    """

    variant: str
    class_count: int
    slots: tuple[int, ...]
    layers: tuple[Layer, ...] = field(repr=False)

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels' names, coarsest first."""
        return LEVELS[self.variant]

    @cached_property
    def convolutions(self) -> tuple[Convolution, ...]:
        """The convolutions in file order; number i (from 1) is keras-yolo3's `conv2d_i`."""
        return tuple(layer for layer in self.layers if isinstance(layer, Convolution))

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """All tensors by name, convolution by convolution."""
        return {tensor.name: tensor for layer in self.convolutions for tensor in layer.tensors}

    @property
    def backbone(self) -> tuple[Convolution, ...]:
        """The convolutions of the backbone: 52 of Darknet-53, 7 of tiny."""
        return tuple(layer for layer in self.convolutions if layer.name.startswith("backbone."))

    def output(self, level: str) -> Convolution:
        """The last convolution of a level, whose rows are (slot) x (tx, ty, tw, th, obj, classes)."""
        return next(layer for layer in self.convolutions if layer.name == f"{level}.output")

    @property
    def floats(self) -> int:
        """The numbers in a whole `.weights` file; 62,001,757 for YOLOv3 with 80 classes."""
        return sum(layer.floats for layer in self.convolutions)
