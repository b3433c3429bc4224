"""The steps of the augmentation, as transforms of torchvision.

Each takes and returns a sample {"image": tv_tensors.Image, "boxes": tv_tensors.BoundingBoxes, "labels"} and
draws from torch's global generator, like every transform of `torchvision.transforms.v2`. Between the steps
boxes may reach over the edges of the image, so that `photo.visible_boxes` sees in the end how much of each
is left.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2.functional import get_size

from headlab.yolov3.augment.colour import adjust_hsv
from headlab.yolov3.augment.photo import image_of, pixels_of
from headlab.yolov3.augment.placement import Placement

_IMAGE_AND_BOXES = (tv_tensors.Image, tv_tensors.BoundingBoxes)


def uniform(low: float, high: float) -> float:
    """A random number from low to high, from torch's global generator."""
    return low + (high - low) * float(torch.rand(()))


def whole(low: int, high: int) -> int:
    """A random whole number from low to high, both included."""
    return int(torch.randint(low, high + 1, ()))


class _Placing(v2.Transform):  # type: ignore[misc, unused-ignore]
    """Places images and boxes; `_placement` draws where."""

    _transformed_types = _IMAGE_AND_BOXES

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw the placement."""
        height, width = get_size(flat_inputs[0])
        return {"placement": self._placement((height, width))}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Place an image or boxes."""
        placement: Placement = params["placement"]
        if isinstance(inpt, tv_tensors.Image):
            return tv_tensors.Image(image_of(placement.pixels(pixels_of(inpt.as_subclass(Tensor)))))
        moved = torch.from_numpy(placement.boxes(inpt.as_subclass(Tensor).numpy())).to(inpt.dtype)
        return tv_tensors.BoundingBoxes(
            moved, format=inpt.format, canvas_size=placement.canvas_hw_px
        )

    def _placement(self, image_hw_px: tuple[int, int]) -> Placement:
        raise NotImplementedError


class RandomSize(_Placing):
    """Resizes by a random factor and to a random aspect ratio, and takes a random crop of what is too large.

    At scale 1 the photo, with its new aspect ratio, just fits into `fit_hw_px`.

    Args:
        jitter: j; width and height are each multiplied by a number from 1 - j to 1 + j.
        scale: the smallest and the largest size.
        fit_hw_px: the height and width that scale 1 refers to.
        most_hw_px: the greatest height and width of the result.
    """

    def __init__(
        self,
        jitter: float,
        scale: tuple[float, float],
        fit_hw_px: tuple[int, int],
        most_hw_px: tuple[int, int],
    ) -> None:
        super().__init__()
        self.jitter, self.scale = jitter, scale
        self.fit_hw_px, self.most_hw_px = fit_hw_px, most_hw_px

    def _placement(self, image_hw_px: tuple[int, int]) -> Placement:
        wanted = [side * uniform(1 - self.jitter, 1 + self.jitter) for side in image_hw_px]
        fit = min(most / side for most, side in zip(self.fit_hw_px, wanted, strict=True))
        scale = uniform(*self.scale) * fit
        height, width = (max(round(side * scale), 1) for side in wanted)
        left_hw = min(height, self.most_hw_px[0]), min(width, self.most_hw_px[1])
        left = -whole(0, width - left_hw[1])
        top = -whole(0, height - left_hw[0])
        return Placement(image_hw_px, (height, width), (left, top), left_hw)


class RandomPad(_Placing):
    """Puts a photo at a random place of a grey canvas that is at least as large.

    Args:
        canvas_hw_px: the canvas' height and width.
    """

    def __init__(self, canvas_hw_px: tuple[int, int]) -> None:
        super().__init__()
        self.canvas_hw_px = canvas_hw_px

    def _placement(self, image_hw_px: tuple[int, int]) -> Placement:
        (height, width), (rows, cols) = image_hw_px, self.canvas_hw_px
        offset = whole(0, cols - width), whole(0, rows - height)
        return Placement(image_hw_px, image_hw_px, offset, self.canvas_hw_px)


class RandomColours(v2.Transform):  # type: ignore[misc, unused-ignore]
    """Changes the hue, and multiplies saturation and value by a factor or, as often, by the inverse of one.

    Args:
        hue: the largest change, as a fraction of the colour circle.
        saturation: the largest factor.
        value: the largest factor.
    """

    _transformed_types = (tv_tensors.Image,)

    def __init__(self, hue: float, saturation: float, value: float) -> None:
        super().__init__()
        self.hue, self.saturation, self.value = hue, saturation, value

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw the change of the hue and the two factors."""
        return {
            "hue": uniform(-self.hue, self.hue),
            "saturation": _factor(self.saturation),
            "value": _factor(self.value),
        }

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Change an image's colours."""
        return tv_tensors.Image(image_of(adjust_hsv(pixels_of(inpt.as_subclass(Tensor)), **params)))


def _factor(largest: float) -> float:
    factor = uniform(1, largest)
    return factor if uniform(0, 1) < 0.5 else 1 / factor
