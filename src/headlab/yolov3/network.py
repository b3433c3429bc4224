"""YOLOv3, YOLOv3-SPP and YOLOv3-tiny, written to read like the tables and figures that describe them.

Letters in shapes: B batch, A slots per cell, C classes, H W the input's height and width in pixels.

The names of the `state_dict` are those of `headlab.checkpoint.yolov3.architecture`, in the same order,
which every file format uses. The levels come coarsest first, as in darknet and keras-yolo3.

Sources: Redmon and Farhadi, "YOLOv3: An Incremental Improvement" (2018), table 1; darknet's yolov3.cfg,
yolov3-spp.cfg and yolov3-tiny.cfg.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from headlab.checkpoint.yolov3.architecture import BOX_NUMBERS, LARGEST_STRIDE_PX
from headlab.checkpoint.yolov3.description import Description
from headlab.errors import InputError
from headlab.yolov3.blocks import (
    Convolution,
    Stage,
    joined,
    keeping_pool,
    pyramid_pool,
    shrinking_pool,
)
from headlab.yolov3.initial import initialise


class YOLOv3(nn.Module):
    """One of the three networks: a backbone, and a part of the head for each level.

    `forward`: (B, 3, H, W) RGB from 0 to 1, H and W multiples of 32 -> for each level, coarsest first,
    the raw outputs (B, A * (5 + C), H/stride, W/stride), whose channels are slot by slot tx, ty, tw, th,
    objectness, classes. The memory format is channels_last throughout, which is the fastest on CPUs.

    Attributes:
        description: the model without its weights.
        backbone: the feature extractor, which keras-yolo3 calls the body when it freezes it.
    """

    def __init__(self, description: Description) -> None:
        super().__init__()
        self.description = description
        networks: dict[str, Callable[[], None]] = {
            "yolov3": self._three_levels,
            "yolov3-spp": partial(self._three_levels, pyramid=True),
            "yolov3-tiny": self._tiny,
        }
        networks[description.variant]()
        initialise(self, BOX_NUMBERS + len(description.class_names))

    def _three_levels(self, pyramid: bool = False) -> None:
        """Figure: 13 x 13, 26 x 26 and 52 x 52 cells for an input of 416 pixels."""
        epsilon = self.description.batch_norm_epsilon
        outputs = self._outputs
        self.backbone: nn.Module = Darknet53(epsilon)
        self.P5: nn.Module = Level(1024, 512, outputs["P5"], pyramid=pyramid, epsilon=epsilon)
        self.P4: nn.Module = Level(512, 256, outputs["P4"], coarser=512, epsilon=epsilon)
        self.P3: nn.Module = Level(256, 128, outputs["P3"], coarser=256, epsilon=epsilon)

    def _tiny(self) -> None:
        """Figure: 13 x 13 and 26 x 26 cells for an input of 416 pixels."""
        epsilon = self.description.batch_norm_epsilon
        self.backbone = TinyBackbone(epsilon)
        outputs = self._outputs
        self.P5 = TinyLevel(1024, 256, outputs["P5"], epsilon=epsilon)
        self.P4 = TinyFinerLevel(256, 128, outputs["P4"], coarser=256, epsilon=epsilon)

    @property
    def _outputs(self) -> dict[str, int]:
        """The output channels by level: A * (5 + C)."""
        per_slot = BOX_NUMBERS + len(self.description.class_names)
        slots = self.description.architecture.slots
        levels = self.description.level_names
        return {level: count * per_slot for level, count in zip(levels, slots, strict=True)}

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """The raw outputs by level; see the class.

        Raises:
            InputError: height or width is not a multiple of 32, or there are not 3 channels.
        """
        check_input(images)
        *finer, x = self.backbone(images.contiguous(memory_format=torch.channels_last))
        x, output = self.P5(x)
        outputs = [output]
        for level, features in zip(self.description.level_names[1:], reversed(finer), strict=True):
            x, output = self.get_submodule(level)(features, x)
            outputs.append(output)
        return tuple(outputs)


class Darknet53(nn.Module):
    """Table 1 of the paper without the classifier: 52 convolutions.

    ======  ====================  =================
    part    convolutions          grid of 416 x 416
    ======  ====================  =================
    stem    32 of 3x3             416 x 416
    stage1  64 of 3x3 / 2, 1 x    208 x 208
    stage2  128 of 3x3 / 2, 2 x   104 x 104
    stage3  256 of 3x3 / 2, 8 x   52 x 52
    stage4  512 of 3x3 / 2, 8 x   26 x 26
    stage5  1024 of 3x3 / 2, 4 x  13 x 13
    ======  ====================  =================

    (B, 3, H, W) -> the outputs of stages 3, 4 and 5: (B, 256, H/8, W/8), (B, 512, H/16, W/16) and
    (B, 1024, H/32, W/32).
    """

    def __init__(self, epsilon: float) -> None:
        super().__init__()
        self.stem = Convolution(3, 32, 3, epsilon=epsilon)
        self.stage1 = Stage(64, 1, epsilon=epsilon)
        self.stage2 = Stage(128, 2, epsilon=epsilon)
        self.stage3 = Stage(256, 8, epsilon=epsilon)
        self.stage4 = Stage(512, 8, epsilon=epsilon)
        self.stage5 = Stage(1024, 4, epsilon=epsilon)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See the class."""
        stride8 = self.stage3(self.stage2(self.stage1(self.stem(images))))
        stride16 = self.stage4(stride8)
        return stride8, stride16, self.stage5(stride16)


class Level(nn.Module):
    """One level of the head: a body of alternating 1x1 and 3x3 convolutions, and its raw outputs.

    The backbone's features (B, I, H, W), and the coarser level's (B, J, H/2, W/2) if there is one -> the
    body's features (B, F, H, W), which the next level takes, and the raw outputs (B, A * (5 + C), H, W).
    With `pyramid`, YOLOv3-SPP's pooling is part of the body.
    """

    def __init__(
        self,
        in_channels: int,
        filters: int,
        outputs: int,
        *,
        coarser: int = 0,
        pyramid: bool = False,
        epsilon: float,
    ) -> None:
        super().__init__()
        convolution = partial(Convolution, epsilon=epsilon)
        if coarser:
            self.lateral = Convolution(coarser, filters, 1, epsilon=epsilon)
            in_channels += filters
        self.body1 = convolution(in_channels, filters, 1)
        self.body2 = convolution(filters, 2 * filters, 3)
        self.body3 = convolution(2 * filters, filters, 1)
        if pyramid:
            self.body4 = convolution(4 * filters, filters, 1)
            self.body5 = convolution(filters, 2 * filters, 3)
            self.body6 = convolution(2 * filters, filters, 1)
        else:
            self.body4 = convolution(filters, 2 * filters, 3)
            self.body5 = convolution(2 * filters, filters, 1)
        self.expand = convolution(filters, 2 * filters, 3)
        self.output = nn.Conv2d(2 * filters, outputs, 1)
        self.pyramid = pyramid

    def forward(self, features: Tensor, coarser: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See the class."""
        x = features if coarser is None else joined(self.lateral(coarser), features)
        x = self.body3(self.body2(self.body1(x)))
        if self.pyramid:
            x = self.body4(pyramid_pool(x))
            x = self.body6(self.body5(x))
        else:
            x = self.body5(self.body4(x))
        return x, self.output(self.expand(x))


class TinyBackbone(nn.Module):
    """Seven 3x3 convolutions with max pooling between them; the last pooling keeps the grid.

    =====  =======  =================
    part   filters  grid of 416 x 416
    =====  =======  =================
    conv1  16       416 x 416
    conv2  32       208 x 208
    conv3  64       104 x 104
    conv4  128      52 x 52
    conv5  256      26 x 26
    conv6  512      13 x 13
    conv7  1024     13 x 13
    =====  =======  =================

    (B, 3, H, W) -> the outputs of conv5 and conv7: (B, 256, H/16, W/16) and (B, 1024, H/32, W/32).
    """

    def __init__(self, epsilon: float) -> None:
        super().__init__()
        convolution = partial(Convolution, size=3, epsilon=epsilon)
        self.conv1 = convolution(3, 16)
        self.conv2 = convolution(16, 32)
        self.conv3 = convolution(32, 64)
        self.conv4 = convolution(64, 128)
        self.conv5 = convolution(128, 256)
        self.conv6 = convolution(256, 512)
        self.conv7 = convolution(512, 1024)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        x = shrinking_pool(self.conv1(images))
        x = shrinking_pool(self.conv2(x))
        x = shrinking_pool(self.conv3(x))
        x = shrinking_pool(self.conv4(x))
        stride16 = self.conv5(x)
        x = self.conv6(shrinking_pool(stride16))
        return stride16, self.conv7(keeping_pool(x))


class TinyLevel(nn.Module):
    """YOLOv3-tiny's coarser level: the backbone's (B, I, H, W) -> features (B, F, H, W), raw outputs."""

    def __init__(self, in_channels: int, filters: int, outputs: int, *, epsilon: float) -> None:
        super().__init__()
        self.body1 = Convolution(in_channels, filters, 1, epsilon=epsilon)
        self.expand = Convolution(filters, 2 * filters, 3, epsilon=epsilon)
        self.output = nn.Conv2d(2 * filters, outputs, 1)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        x = self.body1(features)
        return x, self.output(self.expand(x))


class TinyFinerLevel(nn.Module):
    """YOLOv3-tiny's finer level: the backbone's (B, I, H, W), the coarser features -> joined, raw outputs."""

    def __init__(
        self, in_channels: int, filters: int, outputs: int, *, coarser: int, epsilon: float
    ) -> None:
        super().__init__()
        self.lateral = Convolution(coarser, filters, 1, epsilon=epsilon)
        self.expand = Convolution(in_channels + filters, 2 * filters, 3, epsilon=epsilon)
        self.output = nn.Conv2d(2 * filters, outputs, 1)

    def forward(self, features: Tensor, coarser: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        x = joined(self.lateral(coarser), features)
        return x, self.output(self.expand(x))


def check_input(images: Tensor) -> None:
    """Refuse a batch that the networks cannot take.

    Raises:
        InputError: its shape is not (B, 3, H, W) with H and W multiples of 32.
    """
    sides = images.shape[2:]
    fits = images.ndim == 4 and images.shape[1] == 3 and min(sides) > 0
    if not fits or any(side % LARGEST_STRIDE_PX for side in sides):
        raise InputError(
            f"YOLOv3 cannot take an input of shape {tuple(images.shape)}.",
            f"Give (batch, 3, height, width), height and width multiples of {LARGEST_STRIDE_PX} px.",
        )
