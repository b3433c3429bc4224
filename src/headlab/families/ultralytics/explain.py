"""Where the numbers of an ultralytics head come from, and how it differs from YOLOv3.

Source: Li et al., "Generalized Focal Loss" (2020), for the distribution over distances; ultralytics
`nn/modules/head.py`.
"""

from __future__ import annotations

from headlab.checkpoint.pt.checkpoint import PtCheckpoint
from headlab.families.facts import Section, TextTable, joined
from headlab.heads.layout import Layout, Level
from headlab.plain_text import counted

_BOX_BRANCH = {"cv3": "cv2", "one2one_cv3": "one2one_cv2"}
_SIDES = 4
_EXTRA = {
    "obb": "An angle comes from a third branch, one number per cell; the four distances lie along its axes.",
    "segment": "The coefficients of the masks come from a third branch.",
    "pose": "The keypoints come from a third branch.",
}


def explanation(
    checkpoint: PtCheckpoint, layout: Layout, input_hw_px: tuple[int, int]
) -> tuple[Section, ...]:
    """Levels, box branch, class rows and candidates of one model."""
    bins = _bins(checkpoint, layout.levels[0])
    return (
        _grids(layout, input_hw_px),
        *([_box(layout, bins)] if bins else []),
        _classes(layout),
        _candidates(layout, input_hw_px, bins),
        _differences(layout),
    )


def _grids(layout: Layout, input_hw_px: tuple[int, int]) -> Section:
    height, width = input_hw_px
    grids = layout.addresses(height, width).grids_hw
    strides = joined([f"/{stride}" for stride in layout.strides_px])
    rows = tuple(
        (
            level.name,
            f"{level.stride_px.bit_length() - 1}",
            f"{level.stride_px} px",
            f"{height} / {level.stride_px} = {grid[0]}",
            f"{width} / {level.stride_px} = {grid[1]}",
        )
        for level, grid in zip(layout.levels, grids, strict=True)
    )
    first = layout.levels[0]
    halvings = first.stride_px.bit_length() - 1
    return Section(
        "grids",
        f"Why the grids are input{strides}",
        {
            "input_hw_px": [height, width],
            "levels": [
                {"level": level.name, "stride_px": level.stride_px, "grid_hw": list(grid)}
                for level, grid in zip(layout.levels, grids, strict=True)
            ],
        },
        (
            "Each level is read after a different number of halvings of the image's height and width: "
            f"{first.name} after {halvings}, so its cells are {' x '.join(['2'] * halvings)} = "
            f"{first.stride_px} px wide.",
            TextTable(("level", ">halvings", ">cell", ">rows", ">columns"), rows),
        ),
    )


def _bins(checkpoint: PtCheckpoint, level: Level) -> int | None:
    """`reg_max`: how many numbers the box branch has per side; None if it cannot be found."""
    *prefix, branch, number, _, _ = level.class_rows[0].weight.split(".")
    box = _BOX_BRANCH.get(branch)
    if box is None:
        return None
    start = ".".join([*prefix, box, number, ""])
    biases = [
        name for name in checkpoint.tensors if name.startswith(start) and name.endswith(".bias")
    ]
    rows = checkpoint.shape(biases[-1]) if biases else ()
    return rows[0] // _SIDES if len(rows) == 1 and rows[0] and rows[0] % _SIDES == 0 else None


def _box(layout: Layout, bins: int) -> Section:
    coarse = layout.levels[-1]
    reach = (bins - 1) * coarse.stride_px
    how = (
        f"Each side is spread over {bins} distances, 0 to {bins - 1} cells: {bins} numbers become "
        "probabilities (softmax), and their mean is the distance, in cells. The farthest side of "
        f"{coarse.name} is therefore ({bins} - 1) x {coarse.stride_px} = {reach} px away."
        if bins > 1
        else "Each side is one number: the distance in cells."
    )
    return Section(
        "box",
        f"Why the box branch has {_SIDES * bins} outputs: 4 x {bins}",
        {"sides": _SIDES, "reg_max": bins, "outputs": _SIDES * bins},
        (
            "There is one slot per cell and no anchor. A cell says how far the left, top, right and bottom "
            f"of the box are from the cell's centre. {how}",
            *([_EXTRA[layout.task]] if layout.task in _EXTRA else []),
        ),
    )


def _classes(layout: Layout) -> Section:
    count = len(layout.class_names)
    branches = joined([f"`{branch}`" for branch in layout.branches])
    two = (
        f" The head has two branches, {branches}: the first makes several candidates per object for NMS, the "
        "second is trained to make one."
        if len(layout.branches) > 1
        else ""
    )
    return Section(
        "classes",
        f"Why the class branch has {counted(count, 'output')}",
        {"classes": count, "branches": list(layout.branches)},
        (
            f"The last convolution of each level's class branch has one row per class: row i is class "
            f"i, 0 ({layout.class_names[0]}) to {count - 1} ({layout.class_names[-1]}). A class's score "
            f"is the sigmoid of its output, not multiplied with anything.{two}",
        ),
    )


def _candidates(layout: Layout, input_hw_px: tuple[int, int], bins: int | None) -> Section:
    space = layout.addresses(*input_hw_px)
    count = len(layout.class_names)
    products = " + ".join(f"{height} x {width}" for height, width in space.grids_hw)
    outputs = _SIDES * bins + count if bins else None
    numbers = (
        f" With {_SIDES} x {bins} box and {count} class outputs each, they are {space.total:,} x "
        f"{outputs} = {space.total * outputs:,} numbers."
        if outputs
        else ""
    )
    return Section(
        "candidates",
        f"Why there are {space.total:,} candidates",
        {
            "candidates": space.total,
            "numbers_per_candidate": outputs,
            "class_scores": space.total * count,
        },
        (f"One per cell: {products} = {space.total:,}.{numbers}",),
    )


def _differences(layout: Layout) -> Section:
    return Section(
        "differences",
        "What differs from the original YOLOv3",
        {"anchors": False, "objectness": False, "slots": 1},
        (
            "YOLOv3 has several slots per cell, each with an anchor that its box is measured in, and an "
            "objectness that is multiplied with every class score. This head has neither anchors nor "
            "objectness: there is no anchors file to choose, and there are no masks. An empty cell is one "
            "whose class scores are all low. Levels, cells and class rows mean the same in both.",
        ),
    )
