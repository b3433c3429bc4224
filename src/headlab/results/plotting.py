"""What all plots share: figures without a window, plain ticks, files as PNG or SVG."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headlab.files.atomic import write_bytes
from headlab.results.fonts import font_files, legible

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


def any_script(drawing: Figure | Axes) -> None:
    """Give each text fonts that draw it: class names come in every script.

    A character that no font has becomes an escape. Dollar signs in tick labels do not start formulas.
    """
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    for axes in drawing.axes if isinstance(drawing, Figure) else [drawing]:
        for axis in (axes.xaxis, axes.yaxis):
            _legible_labels(axis)
    for text in drawing.findobj(Text):
        assert isinstance(text, Text)  # noqa: S101 - as was asked for
        content = text.get_text()
        if not content.isascii():
            text.set_text(legible(content))
            text.set_fontfamily([_family(path) for path in font_files(content)])


def _legible_labels(axis: Axis) -> None:
    """The same for tick labels that were set by hand; all others are numbers."""
    from matplotlib.ticker import FixedLocator

    if not isinstance(axis.get_major_locator(), FixedLocator):
        return
    given = [label.get_text() for label in axis.get_ticklabels()]
    shown = [legible(text) for text in given]
    if shown != given:
        axis.set_ticks(axis.get_majorticklocs(), shown)
    for label in axis.get_ticklabels():
        label.set_parse_math(False)


@cache
def _family(path: str) -> str:
    """The family name under which matplotlib finds a font file."""
    from matplotlib.font_manager import FontProperties, fontManager

    if all(entry.fname != path for entry in fontManager.ttflist):
        fontManager.addfont(path)
    return FontProperties(fname=path).get_name()


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

    any_script(drawing)
    # Without a date and with fixed ids, the same plot is the same file.
    metadata = {"Date": None} if suffix == ".svg" else None
    with matplotlib.rc_context({"svg.hashsalt": "headlab"}):
        drawing.savefig(data, format=suffix.removeprefix("."), dpi=150, metadata=metadata)
    return data.getvalue()
