"""The preview of a training: the first images that the network will see, with boxes and targets."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from headlab.results.result import Result
from headlab.train.data.batch import Batch
from headlab.train.watching.preview import Sheet, draw_batches, panels_of
from headlab.train.watching.preview_panel import Panel
from headlab.yolov3.targets.result import Fate

if TYPE_CHECKING:
    import polars as pl
    from PIL import Image
    from rich.console import RenderableType

    from headlab.checkpoint.yolov3.description import Description
    from headlab.train.planning import Plan


@dataclass(frozen=True, repr=False)
class Preview(Result):
    """What the network will see first, and what it is to answer.

    Attributes:
        batches: as the network will get them, with their targets.
        description: the model.
        paths: the training photos, by number.
        count: how many images are shown.
    """

    batches: tuple[Batch, ...]
    description: Description
    paths: tuple[str, ...] = ()
    count: int = 8

    title: ClassVar[str] = "training preview"
    plot_suffixes: ClassVar[tuple[str, ...]] = (".png",)

    @property
    def summary(self) -> str:
        """The number of images, and what became of their boxes."""
        return "; ".join(self._sheet.lines)

    @property
    def notes(self) -> tuple[str, ...]:
        """Photos that could not be read, and class names that could not be drawn."""
        return self._sheet.notes

    @property
    def table(self) -> pl.DataFrame:
        """One row per box: its photo and class, its edges in input pixels, and the slot that answers for it.

        `fate` is assigned, moved (to another slot, since the best one was taken), lost (no slot was free) or
        skipped (the box has no area in the input). Level, cell, slot and anchor are null for the last two.
        """
        import polars as pl

        rows = [row for image, panel in enumerate(self._panels) for row in self._rows(image, panel)]
        types = {"whole": pl.Int64, "text": pl.String, "px": pl.Float64}
        schema = {name: types[kind] for name, kind in _COLUMNS.items()}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def to_dict(self) -> dict[str, Any]:
        """The images, and the rows of `table`."""
        images = [
            {
                "photo": panel.photo,
                "path": self._path(panel),
                "input_hw_px": list(panel.pixels.shape[:2]),
            }
            for panel in self._panels
        ]
        return {"images": images, "boxes": self.table.to_dicts(), "notes": list(self.notes)}

    def text(self) -> Iterator[RenderableType]:
        """What the pictures show, in words."""
        yield from self._sheet.lines

    def html(self) -> str:
        """The pictures, for a notebook."""
        from headlab.results.html import html_text
        from headlab.results.plotting import encoded

        data = base64.b64encode(encoded(self.plot(), ".png")).decode("ascii")
        return f'<p>{html_text(self.summary)}</p><img src="data:image/png;base64,{data}">'

    def plot(self) -> Image.Image:
        """The images on one sheet: each box, the cell that answers for it, and its anchor.

        Raises:
            InputError: there is no image.
        """
        return self._sheet.image

    @cached_property
    def _sheet(self) -> Sheet:
        return draw_batches(self.batches, self.description, self.count)

    @cached_property
    def _panels(self) -> list[Panel]:
        panels = (panel for batch in self.batches for panel in panels_of(batch))
        return list(islice(panels, self.count))

    def _path(self, panel: Panel) -> str | None:
        return self.paths[panel.photo] if panel.photo < len(self.paths) else None

    def _rows(self, image: int, panel: Panel) -> Iterator[tuple[Any, ...]]:
        names = self.description.class_names
        for box, place, fate in zip(panel.boxes, panel.places, panel.fates, strict=True):
            if fate == Fate.PADDING:
                continue
            number = int(box[4])
            level, _, row, col, slot, anchor = place or (None,) * 6
            yield (
                *(image, panel.photo, self._path(panel), number, names[number], *box[:4]),
                *(fate.name.lower(), level, row, col, slot, *(anchor or (None, None))),
            )


_COLUMNS = {
    "image": "whole",
    "photo": "whole",
    "path": "text",
    "class_id": "whole",
    "class_name": "text",
    **dict.fromkeys(("x1", "y1", "x2", "y2"), "px"),
    "fate": "text",
    "level": "text",
    "row": "whole",
    "col": "whole",
    "slot": "whole",
    "anchor_w": "px",
    "anchor_h": "px",
}
"""The columns of `Preview.table`, and what is in them."""


def preview_of(plan: Plan, count: int) -> Preview:
    """See `headlab.train.preview`."""
    from headlab.train.data.loader import train_loader

    wanted = -(-count // plan.config.batch)
    with train_loader(plan.train, plan.config, plan.augmenter(), plan.assigner()) as loader:
        batches = tuple(islice(loader, wanted))
    return Preview(batches, plan.network.description, plan.train.paths, count)
