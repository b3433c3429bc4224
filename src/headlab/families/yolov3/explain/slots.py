"""Why a YOLOv3 head has its slots per cell, and its outputs per slot."""

from __future__ import annotations

from headlab.checkpoint.yolov3.architecture import BOX_NUMBERS
from headlab.checkpoint.yolov3.description import Description
from headlab.families.facts import Section, TextTable, anchor_text, joined
from headlab.heads.layout import Layout, Place
from headlab.plain_text import counted


def explain_slots(described: Description, layout: Layout) -> Section:
    """Why there are len(anchors)//3 slots per cell, and why 6 anchors mean tiny."""
    anchors, levels = len(described.anchors_wh_px), len(layout.levels)
    slots = {level.name: level.slots for level in reversed(layout.levels)}
    each = sorted(set(slots.values()))
    title = " or ".join(map(str, each))
    rows = tuple(
        (level.name, f"{slot}", layout.place_name(Place(at, slot)), anchor_text(anchor))
        for at, level in reversed(list(enumerate(layout.levels)))
        for slot, anchor in enumerate(level.anchors_wh_px)
    )
    return Section(
        "slots",
        f"Why there {'is' if each == [1] else 'are'} {title} slot{'' if each == [1] else 's'} per cell",
        {"anchors": anchors, "levels": levels, "slots": slots},
        (
            "Several objects can have their centres in one cell, and objects have different shapes. So "
            "each cell makes several candidates, one per anchor that the level uses. An anchor is a "
            "width and a height; its position in a cell is a slot. headlab writes P5/2 for slot 2 of P5.",
            TextTable(("level", ">slot", "name", ">anchor (w x h, px)"), rows),
            _shared_out(described, slots),
            "keras-yolo3 has no option for the network: it counts the anchors in the file. 9 "
            "anchors are 3 levels x 3 slots, the full network; 6 are 2 levels x 3 slots, tiny "
            "(is_tiny_version = len(anchors) == 6). Its slots are therefore len(anchors)//3 in the full "
            "network, but len(anchors)//2 in tiny. It has no "
            "option for the full network with 6 anchors, 2 per level.",
        ),
    )


def _shared_out(described: Description, slots: dict[str, int]) -> str:
    anchors, levels = len(described.anchors_wh_px), len(slots)
    counts = list(slots.values())
    given = " + ".join(map(str, counts))
    if len(set(counts)) == 1 and anchors == levels * counts[0]:
        return (
            f"This model has {counted(anchors, 'anchor')} for {levels} levels: "
            f"{anchors} // {levels} = {counts[0]} slots in each cell of each level."
        )
    return (
        f"This model has {counted(anchors, 'anchor')} for {levels} levels, not divided evenly: its masks "
        f"give {joined(list(slots))} {given} slots."
    )


def explain_outputs(described: Description, layout: Layout) -> Section:
    """Why a slot has C + 5 outputs, and the last convolution slots x (C + 5) channels."""
    count = len(layout.class_names)
    outputs = BOX_NUMBERS + count
    convolutions = {
        level.name: described.architecture.output(level.name) for level in reversed(layout.levels)
    }
    return Section(
        "outputs",
        f"Why a slot has {outputs} outputs: 5 + {counted(count, 'class', 'classes')}",
        {
            "classes": count,
            "outputs_per_slot": outputs,
            "channels": {name: each.out_channels for name, each in convolutions.items()},
        },
        (
            f"For each slot the network outputs 4 numbers for the box, 1 for whether there is an object "
            f"at all, and 1 for each class: 4 + 1 + {count} = {outputs}.",
            TextTable(
                ("output", "name", "says"),
                (
                    ("0, 1", "tx, ty", "where in the cell the centre of the box is"),
                    ("2, 3", "tw, th", "how much wider and taller than the anchor it is"),
                    ("4", "objectness", "whether this slot holds an object"),
                    (
                        _span(5, outputs - 1),
                        _span(0, count - 1, "class "),
                        "whether it is of that class",
                    ),
                ),
            ),
            "The last convolution of a level looks at one cell at a time (its kernel is 1 x 1) and computes "
            "all of these numbers at once, so it has slots x (5 + classes) channels:",
            TextTable(
                ("level", "convolution", ">slots x outputs = channels", ">inputs"),
                tuple(
                    (
                        level.name,
                        convolutions[level.name].name,
                        f"{level.slots} x {outputs} = {level.slots * outputs}",
                        f"{convolutions[level.name].in_channels}",
                    )
                    for level in reversed(layout.levels)
                ),
            ),
            _rows_of_slots(layout, outputs),
        ),
    )


def _rows_of_slots(layout: Layout, outputs: int) -> str:
    level = layout.levels[-1]
    last = level.slots - 1
    start = last * outputs
    return (
        f"Slot a begins at row a * {outputs}, its classes at row a * {outputs} + 5. Slot {last} of "
        f"{level.name} has rows {start} to {start + outputs - 1}, class 0 "
        f"({layout.class_names[0]}) in row {start} + 5 = {start + 5}. Another number of classes changes "
        f"only these convolutions, {counted(len(layout.levels), 'layer')} of "
        "the network: all others keep their weights."
    )


def _span(first: int, last: int, noun: str = "") -> str:
    return f"{noun}{first}" if first == last else f"{noun}{first} to {last}"
