"""Check the anchors that a model uses against boxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from headlab.anchors.findings import (
    Finding,
    about_duplicates,
    about_fit,
    about_levels,
    about_masks,
    about_order,
    about_stretching,
    about_units,
)
from headlab.anchors.fitting import fit_shapes
from headlab.anchors.truths import (
    AnchorRow,
    ClassRow,
    LevelRow,
    anchor_rows,
    class_rows,
    level_rows,
    truths_of,
)
from headlab.anchors.units import (
    Rescaling,
    best_rescaling,
    is_typical_scale,
    probable_unit,
)
from headlab.boxes.overlap import Coverage, coverage
from headlab.boxes.shapes import Shapes
from headlab.errors import InputError
from headlab.heads.anchor_set import AnchorSet

_SEVERITIES = ("problem", "warning", "note")


@dataclass(frozen=True)
class Check:
    """How anchors fit boxes.

    Attributes:
        anchors: what was checked.
        coverage: of every box by its best anchor.
        reachable: of a fit of the same number of anchors to the same boxes.
        rescaling: the common factor that would make the anchors fit best.
        by_anchor: in the order of the file.
        by_level: finest first.
        by_class: by class number; empty if the boxes have no classes.
        overlaps: of each box with its best anchor (N,).
        findings: problems first.
        notes: what could not be checked, in sentences.
        skipped: how many boxes were left out, by reason.
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

    @property
    def collided(self) -> int | None:
        """How many boxes find their cell and anchor taken; None if the boxes' places are unknown."""
        counts = [row.collided for row in self.by_level]
        return None if None in counts else sum(each or 0 for each in counts)

    @property
    def ok(self) -> bool:
        """There is no problem; warnings may remain."""
        return all(finding.severity != "problem" for finding in self.findings)


def check_shapes(
    shapes: Shapes,
    anchors: AnchorSet,
    *,
    stretched: Shapes | None = None,
    seed: int = 0,
) -> Check:
    """Check anchors against box shapes.

    Args:
        shapes: at the network's input.
        anchors: sizes and levels.
        stretched: the same boxes on photos stretched to the input, if `shapes` are letterboxed; to find out
            whether the anchors were made for that.
        seed: of the fit that says what is reachable.

    Raises:
        InputError: there are no boxes, or the anchors are for an input of another size.
    """
    shapes.check_not_empty()
    now = coverage(shapes.wh, anchors.wh)
    reachable = fit_shapes(shapes, len(anchors), seed=seed, levels=1).coverage
    rescaling = best_rescaling(shapes, anchors.wh)
    truths = truths_of(shapes, anchors)
    levels = level_rows(shapes, truths, anchors)
    if_stretched = None if stretched is None else coverage(stretched.wh, anchors.wh)
    causes = list(about_stretching(now, if_stretched))
    if if_stretched is None or not causes or if_stretched.mean_iou < rescaling.mean_iou:
        unit = probable_unit(shapes, anchors.wh, rescaling.factor)
        of_photos = is_typical_scale(shapes, rescaling.factor)
        causes += about_units(rescaling, reachable, unit, of_photos)
    findings = [
        *causes,
        *about_order(anchors),
        *about_duplicates(anchors),
        *about_masks(anchors, truths),
        *about_fit(now, reachable, len(anchors)),
    ]
    if not any(each.kind == "units" and each.severity == "problem" for each in causes):
        # In the wrong unit, anchors suit no level; to say so, too, would hide the cause.
        findings += about_levels(levels, anchors, len(shapes))
    return Check(
        anchors=anchors,
        coverage=now,
        reachable=reachable,
        rescaling=rescaling,
        by_anchor=anchor_rows(truths, anchors),
        by_level=levels,
        by_class=class_rows(shapes, truths),
        overlaps=truths.overlap,
        findings=tuple(sorted(findings, key=lambda each: _SEVERITIES.index(each.severity))),
        notes=_not_checked(shapes, anchors),
        skipped=shapes.skipped,
    )


def _not_checked(shapes: Shapes, anchors: AnchorSet) -> tuple[str, ...]:
    notes = []
    if shapes.units == "original":
        notes.append(
            "The boxes are in pixels of the original photos, so levels are judged as if photos were not "
            "resized."
        )
    if shapes.centres is None:
        notes.append("Collisions are not counted: where the boxes are at the input is unknown.")
    if None not in (shapes.input_hw, anchors.input_hw) and shapes.input_hw != anchors.input_hw:
        notes.append(
            f"{anchors.source} is for an input of {_size(anchors.input_hw)}, the boxes are at "
            f"{_size(shapes.input_hw)}."
        )
    return tuple(notes)


def _size(hw: tuple[int, int] | None) -> str:
    return f"{hw[1]} x {hw[0]} px" if hw else "unknown size"


def with_levels(anchors: AnchorSet, count: int) -> AnchorSet:
    """The same anchors, shared out evenly among so many levels.

    Raises:
        InputError: there are fewer anchors than levels.
    """
    from headlab.heads.levels import levels_of

    if not 1 <= count <= len(anchors):
        raise InputError(
            f"{len(anchors)} anchors cannot be shared out among {count} levels.",
            "Leave --levels out, or give a smaller number.",
        )
    parts = np.array_split(np.arange(len(anchors)), count)
    by_level = tuple(tuple(int(at) for at in part) for part in parts)
    return replace(anchors, levels=levels_of(count), by_level=by_level)
