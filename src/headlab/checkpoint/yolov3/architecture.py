"""The three networks of YOLOv3 as data: their layers in the order of a darknet file, by name.

Everything that has to know a network reads this: the readers and writers of its files, the check of a
`.cfg`, and the modules that compute it (`headlab.yolov3.network`), whose `state_dict` has these names.

Source: Redmon and Farhadi, "YOLOv3: An Incremental Improvement" (2018), table 1, and darknet's
`yolov3.cfg`, `yolov3-spp.cfg` and `yolov3-tiny.cfg`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
        """Its tensors as a `.weights` file holds them: beta, gamma, mean, variance, kernel."""
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
        return {tensor.name: tensor for each in self.convolutions for tensor in each.tensors}

    @property
    def backbone(self) -> tuple[Convolution, ...]:
        """The convolutions of the backbone: 52 of Darknet-53, 7 of tiny."""
        return tuple(each for each in self.convolutions if each.name.startswith("backbone."))

    def output(self, level: str) -> Convolution:
        """The last convolution of a level, whose rows are (slot) x (tx, ty, tw, th, obj, classes)."""
        return next(each for each in self.convolutions if each.name == f"{level}.output")

    @property
    def floats(self) -> int:
        """The numbers in a whole `.weights` file; 62,001,757 for YOLOv3 with 80 classes."""
        return sum(each.floats for each in self.convolutions)


def architecture(variant: str, class_count: int, slots: Sequence[int]) -> Architecture:
    """The layers of a network.

    Args:
        variant: a key of `LEVELS`.
        class_count: C, at least 1.
        slots: anchors per cell by level, coarsest first; as many as the variant has levels.
    """
    plan = _Plan(variant, class_count, dict(zip(LEVELS[variant], slots, strict=True)))
    _BUILDERS[variant](plan)
    return Architecture(variant, class_count, tuple(slots), tuple(plan.layers))


class _Plan:
    """Layers as they are added, with the channels that each puts out."""

    def __init__(self, variant: str, class_count: int, slots: dict[str, int]) -> None:
        self.variant, self.class_count, self.slots = variant, class_count, slots
        self.layers: list[Layer] = []
        self.channels: list[int] = []

    @property
    def last(self) -> int:
        """The number of the latest layer."""
        return len(self.layers) - 1

    def add(self, layer: Layer, channels: int | None = None) -> int:
        """Append a layer that keeps the channels unless they are given; its number."""
        self.layers.append(layer)
        self.channels.append(self.channels[-1] if channels is None else channels)
        return self.last

    def convolve(self, name: str, channels: int, size: int, stride: int = 1) -> int:
        """Append a convolution with batch normalisation; its number."""
        before = self.channels[-1] if self.channels else 3
        return self.add(Convolution(name, before, channels, size, stride), channels)

    def route(self, *sources: int) -> int:
        """Append a route; its number."""
        return self.add(Route(sources), sum(self.channels[at] for at in sources))

    def detect(self, level: str, channels: int) -> None:
        """Append a level's last three layers: a convolution, its output, its candidates."""
        self.convolve(f"{level}.expand", channels, 3)
        rows = self.slots[level] * (BOX_NUMBERS + self.class_count)
        self.add(Convolution(f"{level}.output", channels, rows, 1, batch_norm=False), rows)
        self.add(Detection(level))

    def merge(self, level: str, channels: int, coarse: int, fine: int) -> None:
        """Go on from a coarser level: reduce, upsample, and concatenate with the finer features."""
        self.route(coarse)
        self.convolve(f"{level}.lateral", channels, 1)
        upsampled = self.add(Upsample(2))
        self.route(upsampled, fine)


def _darknet53(plan: _Plan) -> list[int]:
    """The backbone: a stem and five stages of residual blocks; the last layer of each stage."""
    plan.convolve("backbone.stem", 32, 3)
    ends = []
    for stage, blocks in enumerate((1, 2, 8, 8, 4), start=1):
        channels = 32 * 2**stage
        end = plan.convolve(f"backbone.stage{stage}.down", channels, 3, stride=2)
        for block in range(1, blocks + 1):
            name = f"backbone.stage{stage}.residual{block}"
            plan.convolve(f"{name}.reduce", channels // 2, 1)
            plan.convolve(f"{name}.expand", channels, 3)
            end = plan.add(Shortcut(end))
        ends.append(end)
    return ends


def _body(plan: _Plan, level: str, channels: int) -> int:
    """The convolutions between a level's features and its detections; the last layer's number."""
    pyramid = plan.variant == "yolov3-spp" and level == "P5"
    sizes = (1, 3, 1, 1, 3, 1) if pyramid else (1, 3, 1, 3, 1)
    for number, size in enumerate(sizes, start=1):
        plan.convolve(f"{level}.body{number}", channels if size == 1 else 2 * channels, size)
        if pyramid and number == 3:
            _pool_pyramid(plan)
    return plan.last


def _pool_pyramid(plan: _Plan) -> None:
    """Spatial pyramid pooling: the features beside their maxima over 5, 9 and 13 cells."""
    features = plan.last
    pooled = []
    for size in (5, 9, 13):
        pooled.append(plan.add(MaxPool(size, 1)))
        if size < 13:
            plan.route(features)
    plan.route(*reversed(pooled), features)


def _three_levels(plan: _Plan) -> None:
    _, _, fine, middle, _ = _darknet53(plan)
    end = _body(plan, "P5", 512)
    plan.detect("P5", 1024)
    plan.merge("P4", 256, end, middle)
    end = _body(plan, "P4", 256)
    plan.detect("P4", 512)
    plan.merge("P3", 128, end, fine)
    _body(plan, "P3", 128)
    plan.detect("P3", 256)


def _tiny(plan: _Plan) -> None:
    ends = []
    for number in range(1, 8):
        ends.append(plan.convolve(f"backbone.conv{number}", 8 * 2**number, 3))
        if number < 7:
            plan.add(MaxPool(2, 2 if number < 6 else 1))
    end = plan.convolve("P5.body1", 256, 1)
    plan.detect("P5", 512)
    plan.merge("P4", 128, end, ends[4])
    plan.detect("P4", 256)


_BUILDERS: dict[str, Callable[[_Plan], None]] = {
    "yolov3": _three_levels,
    "yolov3-spp": _three_levels,
    "yolov3-tiny": _tiny,
}


def recognised(floats: int, slots_per_level: int = 3) -> tuple[str, int] | None:
    """The network and class count whose whole `.weights` file holds that many numbers, if there is one."""
    for variant, levels in LEVELS.items():
        none = architecture(variant, 0, (slots_per_level,) * len(levels))
        one = architecture(variant, 1, none.slots)
        classes, rest = divmod(floats - none.floats, one.floats - none.floats)
        if rest == 0 and classes > 0:
            return variant, classes
    return None
