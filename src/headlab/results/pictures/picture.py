"""A drawn picture: the photo with what is drawn on it, on a sheet of paper that has the legend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

    from headlab.results.pictures.labels import Rect


@dataclass(frozen=True)
class Picture:
    """A drawn picture.

    Attributes:
        image: RGB, the whole sheet.
        notes: what could not be drawn, in words.
        photos: where photos lie on the sheet.
    """

    image: Image.Image
    notes: tuple[str, ...] = ()
    photos: tuple[Rect, ...] = ()
