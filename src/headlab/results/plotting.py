"""What all plots share: figures without a window, the density of box shapes, files as PNG or SVG."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headlab.errors import OutputError
from headlab.files.atomic import write_bytes
from headlab.results.colours import hex_colour, level_colour
from headlab.results.fonts import font_files, legible

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from PIL import Image

    from headlab.boxes.shapes import Shapes
    from headlab.heads.anchor_set import AnchorSet

SUFFIXES = (".png", ".svg")

INK = "#222222"
GREY = "#999999"
MOST_CLASSES = 60
"""A plot shows no more classes than this, since their names would not be readable."""

_MOST_DRAWN = 200_000
_TICKS = [times * 10.0**power for power in range(-4, 6) for times in (1, 2, 5)]


def check_suffix(path: Path) -> None:
    """Refuse early a name that no plot can be saved under.

    Raises:
        OutputError: the name ends in something else than .png or .svg, or its folder is missing.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(
            f"{path}: a plot is saved as PNG or SVG.", "End the name in .png or .svg."
        )
    if not path.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent}.", "Make the folder first.")


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


def density(axes: Axes, shapes: Shapes, others_wh: npt.NDArray[np.float64] | None = None) -> None:
    """The density of box shapes in grey, on logarithmic axes that also show the other shapes.

    Args:
        axes: where to draw.
        shapes: the boxes.
        others_wh: widths and heights (K, 2) that have to fit on the axes, too.
    """
    from matplotlib.colors import LogNorm

    wh = np.asarray(shapes.wh[:: max(1, len(shapes) // _MOST_DRAWN)], np.float64)
    both = wh if others_wh is None else np.concatenate([wh, others_wh])
    low, high = both.min(), both.max()
    if high / low < 4:
        low, high = low / 2, high * 2
    edges = np.geomspace(low / 1.1, high * 1.1, 70)
    counts, _, _ = np.histogram2d(wh[:, 0], wh[:, 1], bins=(edges, edges))
    shown = np.ma.masked_equal(counts.T, 0)
    axes.pcolormesh(edges, edges, shown, cmap="Greys", norm=LogNorm(0.1, 4 * max(counts.max(), 2)))
    axes.set(xscale="log", yscale="log", xlim=edges[[0, -1]], ylim=edges[[0, -1]], aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        plain_ticks(axis, edges[0], edges[-1])


def plain_ticks(axis: Axis, low: float, high: float) -> None:
    """Label a logarithmic axis with 1, 2, 5, 10, 20, … instead of powers of ten."""
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks], minor=False)
    axis.set_ticks([], minor=True)


def anchor_marks(axes: Axes, anchors: AnchorSet) -> None:
    """Every anchor as a mark of its level's colour, with its number."""
    for level, name in reversed(list(enumerate(anchors.levels.names))):
        its = anchors.wh[list(anchors.by_level[level])]
        if len(its):
            label = f"{name}, stride {anchors.levels.strides_px[level]}"
            colour = hex_colour(level_colour(name))
            axes.plot(*its.T, "o", color=colour, mec=INK, ms=9 + level, label=label)
    unused = [at for at in range(len(anchors)) if not anchors.levels_with(at)]
    if unused:
        axes.plot(*anchors.wh[unused].T, "X", color="white", mec=INK, ms=10, label="in no mask")
    for at, (w, h) in enumerate(anchors.wh.tolist()):
        axes.annotate(
            str(at), (w, h), xytext=(8, 5), textcoords="offset points", fontsize=9, fontweight="bold",
            bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip
    axes.legend(loc="upper left", fontsize=9, framealpha=0.85)


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
