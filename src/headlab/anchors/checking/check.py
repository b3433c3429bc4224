"""Check the anchors that a model uses against boxes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from headlab.anchors.checking.findings import (
    Finding,
    about_duplicates,
    about_fit,
    about_levels,
    about_masks,
    about_order,
    about_stretching,
    about_units,
    about_unsaid_masks,
)
from headlab.anchors.checking.matching import (
    AnchorRow,
    ClassRow,
    LevelRow,
    anchor_rows,
    class_rows,
    level_rows,
    matched,
)
from headlab.anchors.checking.units import (
    Rescaling,
    best_rescaling,
    is_typical_scale,
    probable_unit,
)
from headlab.anchors.fitting.fit import fit_shapes
from headlab.boxes.input_size import ImageSize, InputSize, size_text
from headlab.boxes.overlap import Coverage, coverage
from headlab.boxes.shapes import Data, Shapes, shapes_at_input, shapes_from
from headlab.errors import InputError
from headlab.heads.anchor_files import Anchors, as_anchor_set
from headlab.heads.anchor_set import AnchorSet
from headlab.heads.levels import levels_of
from headlab.plain_text import counted
from headlab.results.result import Result

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure
    from rich.console import RenderableType
    from typing_extensions import Unpack

    from headlab.boxes.reading import ReadSettings
    from headlab.boxes.table import Problem

_SEVERITIES = ("problem", "warning", "note")


@dataclass(frozen=True, repr=False, eq=False)
class AnchorCheck(Result):
    """How anchors fit boxes, and what is wrong with them.

    Attributes:
        anchors: what was checked.
        coverage: how well they cover the boxes.
        reachable: how well the same number of anchors, fitted to the same boxes, would.
        rescaling: the common factor that would make the anchors fit best.
        by_anchor: the boxes of each anchor, in the order of the file.
        by_level: the boxes of each level, finest first.
        by_class: the coverage of each class, by class number; empty if the boxes have no classes.
        overlaps: the overlap of each box with its best anchor (N,).
        findings: what is wrong, problems first.
        notes: what could not be checked, in sentences.
        skipped: how many boxes were left out, by reason.
        unread: problems that annotations were lost to while reading.
        shapes: the boxes' widths and heights, for the plot.
    """

    anchors: AnchorSet
    coverage: Coverage
    reachable: Coverage
    rescaling: Rescaling
    by_anchor: tuple[AnchorRow, ...]
    by_level: tuple[LevelRow, ...]
    by_class: tuple[ClassRow, ...]
    overlaps: npt.NDArray[np.float64]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    skipped: Mapping[str, int]
    unread: tuple[Problem, ...]
    shapes: Shapes

    title: ClassVar[str] = "checked anchors"
    plot_suffixes: ClassVar[tuple[str, ...]] = (".png", ".svg")

    @property
    def collided(self) -> int | None:
        """How many boxes find their cell and anchor taken; None if their centres are unknown."""
        counts = [row.collided for row in self.by_level]
        return None if None in counts else sum(count or 0 for count in counts)

    @property
    def ok(self) -> bool:
        """There is no problem; there may be warnings."""
        return all(finding.severity != "problem" for finding in self.findings)

    @property
    def table(self) -> pl.DataFrame:
        """One row per anchor: `anchor`, `width`, `height`, `levels`, `boxes`, `mean_iou`."""
        from headlab.anchors.checking.document import rows

        return rows(self)

    @property
    def summary(self) -> str:
        """How many findings, and how well the anchors fit."""
        counts = [
            counted(sum(finding.severity == severity for finding in self.findings), severity)
            for severity in _SEVERITIES
        ]
        return f"{', '.join(counts)}; mean IoU {self.coverage.mean_iou:.4f}"

    def to_dict(self) -> dict[str, Any]:
        """Everything; docs/anchors.md describes the keys."""
        from headlab.anchors.checking.document import document

        return document(self)

    def text(self) -> Iterable[RenderableType]:
        """Figures, tables by anchor, level and class, findings."""
        from headlab.anchors.checking.text import check_text

        return check_text(self)

    def plot(self) -> Figure:
        """Boxes and anchors, the histogram of the best overlaps, and the boxes by anchor."""
        from headlab.anchors.checking.plot import plot_check

        return plot_check(self)


def check(
    anchors: Anchors,
    data: Data,
    *,
    imgsz: ImageSize = None,
    levels: int | None = None,
    seed: int = 0,
    **settings: Unpack[ReadSettings],
) -> AnchorCheck:
    """Check anchors against annotations.

    Args:
        anchors: a file (anchors.txt, .cfg, .yaml, .json), a fit, or widths and heights (K, 2).
        data: annotations (what `headlab.boxes.read` reads, or a box table), or widths and heights at the
            network's input (N, 2).
        imgsz: the network's input in pixels: a side, (height, width), or a `headlab.InputSize`; None takes
            what the file of anchors says, else 416.
        levels: share the anchors out evenly among this many levels, whatever the file says.
        seed: seed of the fit that shows what is reachable.
        settings: how data is read: `format`, `names`, `images`, `split`, `encoding`, as of
            `headlab.boxes.read`.

    Raises:
        InputError: a file cannot be read, or there are no boxes.
    """
    used = as_anchor_set(anchors)
    if levels is not None:
        used = with_levels(used, levels)
    input_size = InputSize.of(imgsz).or_of(used.input_hw, used.resize)
    shapes, table = shapes_from(data, input_size, **settings)
    stretched = None
    if table is not None and shapes.resize == "letterbox":
        stretched = shapes_at_input(table, replace(input_size, resize="stretch"))
    return check_shapes(shapes, used, stretched=stretched, seed=seed)


def check_shapes(
    shapes: Shapes,
    anchors: AnchorSet,
    *,
    stretched: Shapes | None = None,
    seed: int = 0,
) -> AnchorCheck:
    """Check anchors against box shapes.

    Args:
        shapes: widths and heights of boxes at the network's input.
        anchors: sizes and levels.
        stretched: the same boxes on photos stretched to the input, if `shapes` are letterboxed: they show
            whether the anchors were made for stretched photos.
        seed: seed of the fit that shows what is reachable.

    Raises:
        InputError: there are no boxes.
    """
    shapes.check_not_empty()
    covered = coverage(shapes.wh, anchors.wh)
    reachable = fit_shapes(shapes, len(anchors), seed=seed, levels=1).coverage
    rescaling = best_rescaling(shapes, anchors.wh)
    matches = matched(shapes, anchors)
    levels = level_rows(shapes, matches, anchors)
    if_stretched = None if stretched is None else coverage(stretched.wh, anchors.wh)
    causes = list(about_stretching(covered, if_stretched))
    if if_stretched is None or not causes or if_stretched.mean_iou < rescaling.mean_iou:
        unit = probable_unit(shapes, anchors.wh, rescaling.factor)
        of_photos = is_typical_scale(shapes, rescaling.factor)
        causes += about_units(rescaling, reachable, unit, of_photos)
    findings = [
        *causes,
        *about_order(anchors),
        *about_duplicates(anchors),
        *about_masks(anchors, matches),
        *about_unsaid_masks(anchors, matches),
        *about_fit(covered, reachable, len(anchors)),
    ]
    if not any(cause.kind == "units" and cause.severity == "problem" for cause in causes):
        # Anchors in the wrong unit suit no level; to say so as well would hide the cause.
        findings += about_levels(levels, anchors, len(shapes))
    return AnchorCheck(
        anchors=anchors,
        coverage=covered,
        reachable=reachable,
        rescaling=rescaling,
        by_anchor=anchor_rows(matches, anchors),
        by_level=levels,
        by_class=class_rows(shapes, matches),
        overlaps=matches.overlap,
        findings=tuple(sorted(findings, key=lambda finding: _SEVERITIES.index(finding.severity))),
        notes=_not_checked(shapes, anchors),
        skipped=shapes.skipped,
        unread=shapes.unread,
        shapes=shapes,
    )


def _not_checked(shapes: Shapes, anchors: AnchorSet) -> tuple[str, ...]:
    notes = []
    if shapes.units == "original":
        notes.append(
            "The boxes are in pixels of the original photos, so that levels are judged as if photos were not "
            "resized."
        )
    if shapes.centres is None:
        notes.append("Collisions are not counted: the boxes' centres at the input are unknown.")
    if anchors.input_hw and shapes.input_hw and shapes.input_hw != anchors.input_hw:
        notes.append(
            f"{anchors.source} is for an input of {size_text(anchors.input_hw)}; the boxes are at an input "
            f"of {size_text(shapes.input_hw)}."
        )
    return tuple(notes)


def with_levels(anchors: AnchorSet, count: int) -> AnchorSet:
    """The same anchors, shared out evenly among this many levels.

    Raises:
        InputError: there are fewer anchors than levels.
    """
    if not 1 <= count <= len(anchors):
        raise InputError(
            f"{len(anchors)} anchors cannot be shared out among {count} levels.",
            "Leave --levels out, or give a smaller number.",
        )
    parts = np.array_split(np.arange(len(anchors)), count)
    by_level = tuple(tuple(int(number) for number in part) for part in parts)
    return replace(anchors, levels=levels_of(count), by_level=by_level, masks_said=True)
