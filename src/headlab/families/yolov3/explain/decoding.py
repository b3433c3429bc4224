"""How the outputs of a YOLOv3 slot become a box and a score, worked through for one cell and one anchor.

Source: Redmon and Farhadi, "YOLOv3: An Incremental Improvement" (2018), section 2.1 and figure 2, written
in pixels of the network's input.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from headlab.checkpoint.yolov3.architecture import BOX_NUMBERS
from headlab.checkpoint.yolov3.description import Anchor
from headlab.families.facts import Section, TextTable, anchor_text
from headlab.heads.layout import Layout, Place

EXAMPLE = {"tx": 0.5, "ty": -0.5, "tw": 0.2, "th": -0.1, "obj": 2.0, "class": 1.0}
"""Moderate outputs, as a network could give them."""


@dataclass(frozen=True)
class Decoded:
    """A decoded candidate.

    Attributes:
        center_xy_px: the centre of the box in input pixels.
        size_wh_px: its width and height in input pixels.
        objectness: of there being an object, 0 to 1.
        class_score: of its being of the class, if there is one, 0 to 1.
    """

    center_xy_px: tuple[float, float]
    size_wh_px: tuple[float, float]
    objectness: float
    class_score: float

    @property
    def score(self) -> float:
        """What is compared with the threshold."""
        return self.objectness * self.class_score


def explain_decoding(layout: Layout, input_hw_px: tuple[int, int]) -> Section:
    """One candidate in the middle of the coarsest level, from raw outputs to box and score."""
    at = len(layout.levels) - 1
    level = layout.levels[at]
    grid_height, grid_width = layout.addresses(*input_hw_px).grids_hw[at]
    row, column, slot = grid_height // 2, grid_width // 2, level.slots // 2
    place, anchor = layout.place_name(Place(at, slot)), level.anchors_wh_px[slot]
    candidate = decoded(EXAMPLE, (row, column), anchor, level.stride_px)
    x, y = candidate.center_xy_px
    width, height = candidate.size_wh_px
    name = layout.class_names[0]
    stride, first = level.stride_px, slot * (BOX_NUMBERS + len(layout.class_names))
    left = column * stride
    return Section(
        "decoding",
        f"How outputs become a box: {place}, cell {row},{column}",
        {
            "level": level.name,
            "slot": slot,
            "cell_row_col": [row, column],
            "anchor_wh_px": list(anchor),
            "outputs": dict(EXAMPLE),
            "center_xy_px": [x, y],
            "size_wh_px": [width, height],
            "objectness": candidate.objectness,
            "class_score": candidate.class_score,
            "score": candidate.score,
        },
        (
            f"Take the cell in row {row}, column {column} of {level.name} (counted from 0), and its slot "
            f"{slot} with the anchor {anchor_text(anchor)}: channels {first} to {first + 4}, and channel "
            f"{first + BOX_NUMBERS} for the class {name}. Suppose that the network outputs there "
            "what the first column says:",
            _worked_through(candidate, (row, column), level.stride_px, anchor),
            f"The box has its centre at {x:.1f}, {y:.1f} and is {width:.1f} x {height:.1f} px. "
            f"Its score for {name} is objectness * class score = {candidate.objectness:.3f} * "
            f"{candidate.class_score:.3f} = {candidate.score:.3f}.",
            "sigmoid lies between 0 and 1, so the centre can't leave its cell (here x from "
            f"{left} to {left + stride}); exp is positive, so a box has a size, and with tw = th = 0 it is "
            "the anchor itself. The network learns corrections to its anchors, not sizes.",
        ),
    )


def _worked_through(
    candidate: Decoded, cell: tuple[int, int], stride: int, anchor: Anchor
) -> TextTable:
    """Each output, its formula, the formula with numbers, the result."""
    (x, y), (width, height), (row, column) = candidate.center_xy_px, candidate.size_wh_px, cell
    in_cell = {name: f"{_sigmoid(EXAMPLE[name]):.3f}" for name in ("tx", "ty")}
    factor = {name: f"{math.exp(EXAMPLE[name]):.3f}" for name in ("tw", "th")}
    formulas = {
        "tx": f"x = (sigmoid(tx) + col) * stride = ({in_cell['tx']} + {column}) * {stride} = {x:.1f} px",
        "ty": f"y = (sigmoid(ty) + row) * stride = ({in_cell['ty']} + {row}) * {stride} = {y:.1f} px",
        "tw": f"width = anchor * exp(tw) = {anchor[0]:g} * {factor['tw']} = {width:.1f} px",
        "th": f"height = anchor * exp(th) = {anchor[1]:g} * {factor['th']} = {height:.1f} px",
        "obj": f"objectness = sigmoid(obj) = {candidate.objectness:.3f}",
        "class": f"class score = sigmoid(class) = {candidate.class_score:.3f}",
    }
    rows = tuple((f"{name} = {EXAMPLE[name]:g}", formula) for name, formula in formulas.items())
    return TextTable(("output", "makes"), rows)


def decoded(
    outputs: Mapping[str, float], cell_row_col: tuple[int, int], anchor: Anchor, stride_px: int
) -> Decoded:
    """Turn one slot's raw outputs into a box and its scores.

    Args:
        outputs: raw values by name, as in `EXAMPLE`.
        cell_row_col: the cell.
        anchor: the slot's anchor, (width, height) in input pixels.
        stride_px: the level's stride.
    """
    row, column = cell_row_col
    width, height = anchor
    return Decoded(
        (
            (_sigmoid(outputs["tx"]) + column) * stride_px,
            (_sigmoid(outputs["ty"]) + row) * stride_px,
        ),
        (width * math.exp(outputs["tw"]), height * math.exp(outputs["th"])),
        _sigmoid(outputs["obj"]),
        _sigmoid(outputs["class"]),
    )


def _sigmoid(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-value))
