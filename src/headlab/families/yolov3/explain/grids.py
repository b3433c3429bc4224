"""Why a YOLOv3 head's grids have the size they have, and how many candidates they make."""

from __future__ import annotations

from headlab.checkpoint.yolov3.architecture import BOX_NUMBERS, Convolution, MaxPool
from headlab.checkpoint.yolov3.description import Description
from headlab.families.facts import Section, TextTable, joined
from headlab.heads.layout import Layout


def explain_grids(described: Description, layout: Layout, input_hw_px: tuple[int, int]) -> Section:
    """Why the grids are input/32, /16, /8."""
    height, width = input_hw_px
    grids = layout.addresses(height, width).grids_hw
    levels = [
        {
            "level": level.name,
            "halvings": level.stride_px.bit_length() - 1,
            "stride_px": level.stride_px,
            "grid_hw": list(grid),
        }
        for level, grid in zip(layout.levels, grids, strict=True)
    ][::-1]
    strides = joined([f"/{stride}" for stride in reversed(layout.strides_px)])
    coarse, fine = layout.levels[-1], layout.levels[:-1][::-1]
    halvings = coarse.stride_px.bit_length() - 1
    finer = joined([level.name for level in fine])
    return Section(
        "grids",
        f"Why the grids are input{strides}",
        {"input_hw_px": [height, width], "levels": levels},
        (
            f"The backbone halves the image's height and width {halvings} times, by "
            f"{_halving_layers(described)}. The grid at its end is that of {coarse.name}: "
            f"{' x '.join(['2'] * halvings)} = {coarse.stride_px}, so each cell stands for "
            f"{coarse.stride_px} x {coarse.stride_px} px of the input. {finer} "
            f"{'is' if len(fine) == 1 else 'are'} read from earlier layers, after fewer halvings, "
            "together with the upsampled features of the coarser level.",
            TextTable(
                ("level", ">halvings", ">cell", ">rows", ">columns"),
                tuple(
                    (
                        level.name,
                        f"{level.stride_px.bit_length() - 1}",
                        f"{level.stride_px} px",
                        f"{height} / {level.stride_px} = {rows}",
                        f"{width} / {level.stride_px} = {columns}",
                    )
                    for level, (rows, columns) in list(zip(layout.levels, grids, strict=True))[::-1]
                ),
            ),
            f"So the input's sides must be multiples of {coarse.stride_px} px. Another input size "
            "(--imgsz) changes the grids only: no weight depends on it.",
        ),
    )


def _halving_layers(described: Description) -> str:
    layers = described.architecture.layers
    convolutions = sum(isinstance(each, Convolution) and each.stride == 2 for each in layers)
    pools = sum(isinstance(each, MaxPool) and each.stride == 2 for each in layers)
    return f"{convolutions} convolutions of stride 2" if convolutions else f"{pools} max poolings"


def explain_candidates(layout: Layout, input_hw_px: tuple[int, int]) -> Section:
    """How many candidates, outputs and class scores one image makes."""
    space = layout.addresses(*input_hw_px)
    count = len(layout.class_names)
    outputs = BOX_NUMBERS + count
    rows = []
    for at in reversed(range(len(layout.levels))):
        level, (height, width) = layout.levels[at], space.grids_hw[at]
        product = f"{height} x {width} x {level.slots}"
        rows.append((level.name, f"{product} = {space.count(at):,}"))
    counts = [space.count(at) for at in reversed(range(len(layout.levels)))]
    total = f"{' + '.join(f'{each:,}' for each in counts)} = {space.total:,}"
    return Section(
        "candidates",
        f"Why there are {space.total:,} candidates",
        {
            "by_level": dict(zip(reversed(layout.level_names), counts, strict=True)),
            "candidates": space.total,
            "numbers_per_candidate": outputs,
            "outputs": space.total * outputs,
            "class_scores": space.total * count,
        },
        (
            "Every slot of every cell makes one candidate, whether there is an object or not:",
            TextTable(("level", ">rows x columns x slots = candidates"), (*rows, ("all", total))),
            f"That is {space.total:,} x {outputs} = {space.total * outputs:,} numbers for each image, "
            f"{space.total:,} x {count} = {space.total * count:,} of them class scores. Most "
            "candidates have almost no objectness and stay below the score threshold; non-maximum "
            "suppression (NMS) then keeps the best of those that overlap.",
        ),
    )
