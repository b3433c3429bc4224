"""What the anchors and masks of a YOLOv3 model do, and why no anchor belongs to a class."""

from __future__ import annotations

from headlab.checkpoint.yolov3.description import (
    KERAS_TINY_MASKS,
    Anchor,
    Description,
)
from headlab.families.facts import Section, TextTable, anchor_text, joined, mask_text
from headlab.heads.layout import Layout
from headlab.plain_text import counted

DARKNET_TINY_MASKS = ((3, 4, 5), (0, 1, 2))
"""The masks in darknet's yolov3-tiny.cfg."""

_SHARES = (
    "The share of the input says which objects an anchor suits: those that take up about as much of the "
    "letterboxed photo. Anchors are in pixels of the network's input, so at another input size the same "
    "anchors suit other shares."
)

_KERAS_TINY = (
    "[[3,4,5],[1,2,3]] is what keras-yolo3's source code has for YOLOv3-tiny. In its training, an object "
    "that fits anchor 0 best gets no target, and one that fits anchor 3 best gets one on both levels. "
    "darknet's yolov3-tiny.cfg has [[3,4,5],[0,1,2]]."
)

_DARKNET_TINY = (
    "[[3,4,5],[0,1,2]] is what darknet's yolov3-tiny.cfg has. keras-yolo3's source code has "
    "[[3,4,5],[1,2,3]], which leaves anchor 0 unused and uses anchor 3 on both levels; with it, the same "
    "weights give boxes of other sizes at P4. The right masks are those that the weights were trained with, "
    "but a weights file does not record them. The official yolov3-tiny.weights for COCO fit "
    "[[3,4,5],[1,2,3]], although the cfg says otherwise: see docs/yolov3-numbers.md."
)

_LEARNED_APART = (
    "Objectness and class are learned separately. Objectness says whether this slot of this cell holds an "
    "object; all slots learn it, and nearly all of them are empty. (Exempt are slots whose box overlaps "
    "well with an object that was assigned to another slot.) The class scores say what it is; only slots "
    "with an object learn them. Each class has a sigmoid of its own, so an object may have two classes. The "
    "score is the product of both: without objectness, a class score counts for nothing."
)

_SHAPES_OF_CLASSES = (
    "If your classes differ in shape, their objects spread over different anchors by themselves; anchors "
    "are chosen for the shapes in all of the data."
)


def unusual_masks(described: Description) -> tuple[str, ...]:
    """Sentences on anchors that no level uses, and on anchors that several slots use."""
    served = _slots_by_anchor(described)
    unused = [number for number, slots in enumerate(served) if not slots]
    shared = {number: slots for number, slots in enumerate(served) if len(slots) > 1}
    sentences = []
    if unused:
        names = joined([_numbered(described, number) for number in unused])
        sentences.append(f"The masks leave {names} unused.")
    for number, slots in shared.items():
        often = "twice" if len(slots) == 2 else f"{len(slots)} times"
        sentences.append(f"The masks use {_numbered(described, number)} {often}: {joined(slots)}.")
    return tuple(sentences)


def explain_anchors(described: Description, input_hw_px: tuple[int, int]) -> Section:
    """What the masks do, how large the anchors are, and which slots have them."""
    height, width = input_hw_px
    served = _slots_by_anchor(described)
    anchors = described.anchors_wh_px
    levels = joined(list(described.level_names))
    return Section(
        "anchors",
        f"What the masks [{_masks_text(described.masks)}] do",
        {
            "masks": [list(mask) for mask in described.masks],
            "anchors": [
                {
                    "number": number,
                    "wh_px": list(anchor),
                    "share_of_input_wh": [anchor[0] / width, anchor[1] / height],
                    "slots": served[number],
                }
                for number, anchor in enumerate(anchors)
            ],
        },
        (
            f"A mask lists, for one level, the numbers of its anchors in the anchors file, slot by slot and "
            f"counted from 0. These are the masks of {levels}, in this order. The large anchors belong to "
            "the coarse level, whose cells see most of the image, the small ones to the fine level, which "
            "can tell small objects apart.",
            _anchor_table(described, served, input_hw_px),
            _SHARES,
            *unusual_masks(described),
            *_origin(described),
        ),
    )


def _anchor_table(
    described: Description, served: list[list[str]], input_hw_px: tuple[int, int]
) -> TextTable:
    height, width = input_hw_px
    return TextTable(
        (">anchor", ">w x h (px)", ">of the input (w x h)", "shape", "slots"),
        tuple(
            (
                f"{number}",
                anchor_text(anchor),
                f"{_percent(anchor[0], width)} x {_percent(anchor[1], height)}",
                _shape(anchor),
                ", ".join(served[number]) or "none",
            )
            for number, anchor in enumerate(described.anchors_wh_px)
        ),
    )


def _origin(described: Description) -> tuple[str, ...]:
    """Where such masks are usual; nothing if the anchors cannot be divided evenly among the levels."""
    if described.variant == "yolov3-tiny" and described.masks == KERAS_TINY_MASKS:
        return (_KERAS_TINY,)
    if described.variant == "yolov3-tiny" and described.masks == DARKNET_TINY_MASKS:
        return (_DARKNET_TINY,)
    levels = len(described.masks)
    slots, rest = divmod(len(described.anchors_wh_px), levels)
    if rest:
        return ()
    usual = tuple(tuple(range(slots * at, slots * (at + 1))) for at in reversed(range(levels)))
    these = (
        "These are the usual masks"
        if described.masks == usual
        else f"The usual ones are [{_masks_text(usual)}]"
    )
    return (f"{these}: each anchor serves one slot, the largest ones on the coarsest level.",)


def _masks_text(masks: tuple[tuple[int, ...], ...]) -> str:
    return ",".join(map(mask_text, masks))


def explain_classes(
    described: Description, layout: Layout, input_hw_px: tuple[int, int]
) -> Section:
    """That every slot scores every class, and that an object's shape chooses its anchor."""
    height, width = input_hw_px
    example = (float(width // 4), float(height // 2))
    overlaps = [_overlap(example, anchor) for anchor in described.anchors_wh_px]
    best = max(range(len(overlaps)), key=overlaps.__getitem__)
    served = _slots_by_anchor(described)[best]
    count, slots = len(layout.class_names), len(layout.places)
    first, last = layout.class_names[0], layout.class_names[-1]
    whatever = f", of any class, {first} or {last}" if count > 1 else ""
    return Section(
        "classes",
        "Why no anchor belongs to a class",
        {
            "places": slots,
            "classes": count,
            "class_rows": slots * count,
            "object_wh_px": list(example),
            "overlaps": overlaps,
            "best_anchor": best,
            "slots": served,
        },
        (
            f"Every slot scores every class: {counted(slots, 'slot')} on {len(layout.levels)} levels x "
            f"{counted(count, 'class', 'classes')} = {slots * count:,} rows of class weights. So there are "
            "no anchors per class to set, neither here nor in keras-yolo3's files.",
            "The shape decides. In training, an object's width and height are compared with those of every "
            "anchor, as boxes with a common centre; the anchor with the largest overlap (IoU: intersection / "
            "union) gets the object, in the cell that contains its centre. Its class does not matter. An "
            f"object of {example[0]:g} x {example[1]:g} px (a quarter of the input's width, half of its "
            f"height){whatever}:",
            _overlap_table(described, overlaps, best, served),
            _LEARNED_APART,
            _SHAPES_OF_CLASSES,
        ),
    )


def _overlap_table(
    described: Description, overlaps: list[float], best: int, served: list[str]
) -> TextTable:
    taker = f"<- {joined(served)}" if served else "<- no slot has it: no target"
    return TextTable(
        (">anchor", ">w x h (px)", ">IoU", "slots"),
        tuple(
            (f"{number}", anchor_text(anchor), f"{overlap:.3f}", taker if number == best else "")
            for number, (anchor, overlap) in enumerate(
                zip(described.anchors_wh_px, overlaps, strict=True)
            )
        ),
    )


def _slots_by_anchor(described: Description) -> list[list[str]]:
    """For each anchor the names of the slots that have it, such as ["P5/0", "P4/2"]."""
    served: list[list[str]] = [[] for _ in described.anchors_wh_px]
    has_slots = any(len(mask) > 1 for mask in described.masks)
    for level, mask in zip(described.level_names, described.masks, strict=True):
        for slot, number in enumerate(mask):
            served[number].append(f"{level}/{slot}" if has_slots else level)
    return served


def _numbered(described: Description, number: int) -> str:
    return f"anchor {number} ({anchor_text(described.anchors_wh_px[number])})"


def _overlap(one: Anchor, other: Anchor) -> float:
    """Intersection over union of two sizes with a common centre."""
    intersection = min(one[0], other[0]) * min(one[1], other[1])
    return intersection / (one[0] * one[1] + other[0] * other[1] - intersection)


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %"


def _shape(anchor: Anchor) -> str:
    """In a word: "tall" from 1.25 times as high as wide."""
    width, height = anchor
    if height >= 1.25 * width:
        return "tall"
    return "wide" if width >= 1.25 * height else "square"
