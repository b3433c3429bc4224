"""What a darknet `.cfg` says: the network, checked layer by layer, its anchors, classes and input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from headlab.checkpoint.yolov3.anchor_list import LARGEST_ANCHOR_PX, check_pixels
from headlab.checkpoint.yolov3.architecture import BOX_NUMBERS, LEVELS, Architecture
from headlab.checkpoint.yolov3.darknet.layers import (
    ONLY,
    check_layer,
    check_supported,
    items,
    link_in,
    link_of,
    whole,
    wholes,
)
from headlab.checkpoint.yolov3.darknet.sections import Section, shown
from headlab.checkpoint.yolov3.description import LARGEST_INPUT_PX, Anchor, Description
from headlab.checkpoint.yolov3.layer_graphs import architecture
from headlab.checkpoint.yolov3.titles import TITLES, title
from headlab.errors import CheckpointError
from headlab.files.numbers import decimal_number, number_text

_GRID_PX = 32
_MOST_CLASSES = 100_000
_USUAL_SLOTS = 3


def description_of(
    sections: Sequence[Section], class_names: Sequence[str] | None, path: Path
) -> Description:
    """The model that a cfg describes.

    Args:
        sections: of the cfg.
        class_names: by class number; None: the classes are called by their numbers, "0", "1", ….
        path: of the cfg, for messages.

    Raises:
        CheckpointError: the cfg contradicts itself, or describes another network than headlab reads;
            the message names the line, what was found and what was expected.
    """
    net, layers = _net_and_layers(sections, path)
    input_hw_px = _input_hw_px(net)
    for section in layers:
        check_supported(section)
    heads = _heads(layers, path)
    class_count = heads[0].class_count
    _check_outputs(layers, heads)
    nearest = _nearest(layers, [len(head.mask) for head in heads], class_count)
    _check_layers(layers, nearest, path)
    names = tuple(map(str, range(class_count))) if class_names is None else tuple(class_names)
    if len(names) != class_count:
        raise CheckpointError(
            f"{heads[0].section.where('classes')}: classes={class_count}, "
            f"but there are {len(names)} class names.",
            "Give the file of class names that belongs to this model.",
        )
    masks = tuple(head.mask for head in heads)
    return Description(
        nearest.variant,
        heads[0].anchors,
        masks,
        names,
        input_hw_px,
        letter_box=letter_box_of(net),
    )


def letter_box_of(net: Section) -> bool | None:
    """Whether `[net]` says that photos are letterboxed, or stretched; None if it does not say.

    Only AlexeyAB's darknet reads it; where it is absent, he stretches, and the original letterboxes.
    """
    return bool(whole(net, "letter_box", 0)) if "letter_box" in net.values else None


def class_count_of(sections: Sequence[Section], path: Path) -> int:
    """The number of classes that a cfg's first `[yolo]` names.

    Raises:
        CheckpointError: it has none, or they contradict each other.
    """
    return _heads(_net_and_layers(sections, path)[1], path)[0].class_count


@dataclass(frozen=True)
class _Head:
    """What a `[yolo]` section says."""

    section: Section
    class_count: int
    anchors: tuple[Anchor, ...]
    mask: tuple[int, ...]


def _net_and_layers(sections: Sequence[Section], path: Path) -> tuple[Section, Sequence[Section]]:
    net, *layers = sections
    if net.kind != "net":
        check_supported(net)
        raise CheckpointError(f"{net.where()}: a cfg begins with [net].", "Add it.")
    for section in layers:
        if section.kind == "net":
            raise CheckpointError(f"{section.where()}: this is a second [net].", "Remove it.")
    if not layers:
        raise CheckpointError(f"{path}: there are no layers after [net].", ONLY)
    return net, layers


def _input_hw_px(net: Section) -> tuple[int, int]:
    channels = whole(net, "channels", None)
    if channels != 3:
        raise CheckpointError(
            f"{net.where('channels')}: channels={channels}; headlab reads networks for RGB photos, "
            "with channels=3.",
            ONLY,
        )
    for key in ("width", "height"):
        size = whole(net, key, None)
        if size > LARGEST_INPUT_PX:
            raise CheckpointError(
                f"{net.where(key)}: {key}={size} is no size of a network's input; "
                f"{LARGEST_INPUT_PX:,} px are the most that headlab reads.",
                f"Write {key}=416, or what the network was trained with.",
            )
        if size < _GRID_PX or size % _GRID_PX:
            raise CheckpointError(
                f"{net.where(key)}: {key}={size} is not a multiple of {_GRID_PX}, "
                "which the coarsest level's stride needs.",
                f"Write {key}={max(1, round(size / _GRID_PX)) * _GRID_PX}.",
            )
    return whole(net, "height", None), whole(net, "width", None)


def _heads(layers: Sequence[Section], path: Path) -> list[_Head]:
    """The `[yolo]` sections, which must agree with each other."""
    heads = [_head(section) for section in layers if section.kind == "yolo"]
    if not heads:
        raise CheckpointError(f"{path}: there is no [yolo] section.", ONLY)
    first = heads[0]
    for head in heads[1:]:
        for key, mine, its in (
            ("classes", head.class_count, first.class_count),
            ("anchors", head.anchors, first.anchors),
        ):
            if mine != its:
                line = first.section.values[key].line
                raise CheckpointError(
                    f"{head.section.where(key)}: {key}= differs from that in line {line}.",
                    f"All [yolo] sections of a network have the same {key}.",
                )
    return heads


def _head(section: Section) -> _Head:
    class_count = whole(section, "classes", None)
    if not 0 < class_count <= _MOST_CLASSES:
        raise CheckpointError(
            f"{section.where('classes')}: classes={class_count}; "
            f"1 to {_MOST_CLASSES:,} were expected.",
            "",
        )
    anchors = _anchors(section)
    count = whole(section, "num", 1)
    if count != len(anchors):
        raise CheckpointError(
            f"{section.where('num')}: num={count}, but anchors= has {len(anchors)} pairs.",
            "num= is the number of anchors of the whole network.",
        )
    mask = wholes(section, "mask") if "mask" in section.values else list(range(count))
    for number in mask:
        if not 0 <= number < count:
            raise CheckpointError(
                f"{section.where('mask')}: mask= names anchor {number}; "
                f"there are anchors 0 to {count - 1}.",
                "A mask lists the numbers of the anchors that this level uses.",
            )
    return _Head(section, class_count, anchors, tuple(mask))


def _anchors(section: Section) -> tuple[Anchor, ...]:
    numbers = []
    for item in items(section, "anchors"):
        number = decimal_number(item)
        if number is None or not 0 < number <= LARGEST_ANCHOR_PX:
            raise CheckpointError(
                f"{section.where('anchors')}: anchors= has {shown(item)!r}, "
                "which is not a size in pixels above 0.",
                "Write widths and heights in input pixels: 10,13,  16,30,  33,23, …",
            )
        numbers.append(number)
    if len(numbers) % 2:
        raise CheckpointError(
            f"{section.where('anchors')}: anchors= has {len(numbers)} numbers, so the last width, "
            f"{number_text(numbers[-1])}, has no height.",
            "Write widths and heights in input pixels: 10,13,  16,30,  33,23, …",
        )
    anchors = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    check_pixels(anchors, section.where("anchors"))
    return anchors


def _check_outputs(layers: Sequence[Section], heads: Sequence[_Head]) -> None:
    """Check that the convolution before each [yolo] has its rows: slots x (5 + C)."""
    before = {after.line: output for output, after in pairwise(layers)}
    for head in heads:
        output = before.get(head.section.line)
        if output is None or output.kind != "convolutional":
            continue  # it differs from every network, and is refused as such
        rows, slots = whole(output, "filters", 1), len(head.mask)
        per_slot = BOX_NUMBERS + head.class_count
        if rows == slots * per_slot:
            continue
        no_mask = "mask" not in head.section.values
        anchors = (
            f"all {slots} anchors, as it has no mask=,"
            if no_mask
            else f"{slots} anchors in its mask"
        )
        fitting = rows // per_slot
        if rows % per_slot == 0 and 0 < fitting < len(head.anchors):
            hint = f"filters={rows} fits {fitting} anchors: give the [yolo] mask= with the numbers of them."
        elif rows % slots == 0 and rows // slots > BOX_NUMBERS:
            hint = (
                f"Write filters={slots * per_slot}, or classes={rows // slots - BOX_NUMBERS} in all [yolo] "
                "sections: as many as the weights were trained with."
            )
        else:
            hint = f"Write filters={slots * per_slot}."
        said = f"filters={rows}"
        if "filters" not in output.values:
            said = "filters= is missing, which means 1"
        raise CheckpointError(
            f"{output.where('filters')}: {said}, but the [yolo] in line {head.section.line} has "
            f"{anchors} and classes={head.class_count}: {slots} x (5 + {head.class_count}) = "
            f"{slots * per_slot}.",
            hint,
        )


def _nearest(layers: Sequence[Section], slots: Sequence[int], class_count: int) -> Architecture:
    """The network that the sections resemble most: with the most layers of the same kind and sources."""
    links = [link_of(section) for section in layers]

    def likeness(network: Architecture) -> int:
        its = [link_in(layer) for layer in network.layers]
        same = sum(mine == other for mine, other in zip(links, its, strict=False))
        return same - abs(len(links) - len(its))

    networks = []
    for variant, levels in LEVELS.items():
        padded = [*slots, *[_USUAL_SLOTS] * len(levels)][: len(levels)]
        networks.append(architecture(variant, class_count, padded))
    return max(networks, key=likeness)


def _check_layers(layers: Sequence[Section], network: Architecture, path: Path) -> None:
    what = title(network.variant, network.class_count)
    for section, layer in zip(layers, network.layers, strict=False):
        check_layer(section, layer, what)
    named, count = TITLES[network.variant], len(network.layers)
    if len(layers) < count:
        raise CheckpointError(
            f"{path}: the file ends after layer {len(layers) - 1} [{layers[-1].kind}], which begins "
            f"in line {layers[-1].line}; {named} has {count} layers, 0 to {count - 1}.",
            ONLY,
        )
    if len(layers) > count:
        raise CheckpointError(
            f"{layers[count].where()}: {named} ends before it, with layer {count - 1}.", ONLY
        )
