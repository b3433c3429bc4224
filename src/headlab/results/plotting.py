"""What all plots share: figures without a window, plain ticks, files as PNG or SVG."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headlab.files.atomic import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from PIL import Image

INK = "#222222"
GREY = "#999999"
MOST_CLASSES = 60
"""A plot shows no more classes than this, since their names would not be readable."""

_TICKS = [times * 10.0**power for power in range(-4, 6) for times in (1, 2, 5)]


def new_figure(columns: int, size: tuple[float, float], **grid: Any) -> tuple[Figure, list[Axes]]:
    """A figure without a window system behind it, which shows itself in a notebook."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure: Figure = _figure_class()(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, columns, squeeze=False, gridspec_kw=grid or None)[0]
    for each in axes:
        each.spines[["top", "right"]].set_visible(False)
        each.set_axisbelow(True)
    return figure, list(axes)


@cache
def _figure_class() -> Any:
    """Matplotlib's figure, which on its own shows nothing in a notebook unless pyplot is set up there."""
    from matplotlib.figure import Figure

    class ShownFigure(Figure):
        """A figure that a notebook shows."""

        def _repr_png_(self) -> bytes:
            return encoded(self, ".png")

    return ShownFigure


def plain_ticks(axis: Axis, low: float, high: float) -> None:
    """Label a logarithmic axis with 1, 2, 5, 10, 20, … instead of powers of ten."""
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks], minor=False)
    axis.set_ticks([], minor=True)


def any_script(axes: Axes) -> None:
    """Give the names on the vertical axis fonts that can draw them: class names come in every script."""
    from matplotlib.font_manager import FontProperties

    from headlab.results.fonts import font_for

    for label in axes.get_yticklabels():
        path = getattr(font_for(label.get_text(), 10), "path", None)
        if isinstance(path, str) and not label.get_text().isascii():
            label.set_fontproperties(FontProperties(fname=path, size=10))


def save_drawing(drawing: Figure | Image.Image, path: Path) -> None:
    """Write a figure or a picture whole or not at all; the suffix decides the format.

    Raises:
        OutputError: the file cannot be written.
    """
    write_bytes(path, encoded(drawing, path.suffix.lower()))


def encoded(drawing: Figure | Image.Image, suffix: str) -> bytes:
    """A figure or a picture as the bytes of a file."""
    from PIL import Image

    data = BytesIO()
    if isinstance(drawing, Image.Image):
        drawing.save(data, Image.registered_extensions()[suffix])
        return data.getvalue()
    import matplotlib

    # Without a date and with fixed ids, the same plot is the same file.
    metadata = {"Date": None} if suffix == ".svg" else None
    with matplotlib.rc_context({"svg.hashsalt": "headlab"}):
        drawing.savefig(data, format=suffix.removeprefix("."), dpi=150, metadata=metadata)
    return data.getvalue()
