"""How the layers of each YOLOv3 network follow one another.

Source: Redmon and Farhadi, "YOLOv3: An Incremental Improvement" (2018), table 1, and darknet's
`yolov3.cfg`, `yolov3-spp.cfg` and `yolov3-tiny.cfg`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from headlab.checkpoint.yolov3.architecture import (
    BOX_NUMBERS,
    LEVELS,
    Architecture,
    Convolution,
    Detection,
    Layer,
    MaxPool,
    Route,
    Shortcut,
    Upsample,
)


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
    """Spatial pyramid pooling: the features, and their maxima over 5, 9 and 13 cells."""
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
    """The network and class count whose whole `.weights` file has that many numbers, if there is one."""
    for variant, levels in LEVELS.items():
        none = architecture(variant, 0, (slots_per_level,) * len(levels))
        one = architecture(variant, 1, none.slots)
        classes, rest = divmod(floats - none.floats, one.floats - none.floats)
        if rest == 0 and classes > 0:
            return variant, classes
    return None
