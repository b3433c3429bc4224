"""What a Keras file does not say: its anchors and class names, from its companion files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from headlab.checkpoint.yolov3.anchor_list import check_pixels, read_anchors
from headlab.checkpoint.yolov3.architecture import BOX_NUMBERS
from headlab.checkpoint.yolov3.companion_files import (
    CompanionFiles,
    find_anchors,
    find_names,
    rejected_names,
)
from headlab.checkpoint.yolov3.data_file import names_file
from headlab.checkpoint.yolov3.description import KERAS_EPSILON, Anchor, Description, default_masks
from headlab.errors import CheckpointError
from headlab.files.class_names import read_class_names

_USUAL_ANCHORS = {"yolov3": 9, "yolov3-spp": 9, "yolov3-tiny": 6}
"""keras-yolo3's folder model_data has both yolo_anchors.txt and tiny_yolo_anchors.txt."""


def described_by_companions(
    path: Path, variant: str, output_rows: Sequence[int], companions: CompanionFiles
) -> tuple[Description, tuple[str, ...]]:
    """Describe a Keras file's model, as keras-yolo3 would with the same anchors and class names.

    Args:
        path: the model file.
        variant: the network, known from its layers.
        output_rows: the rows of each level's output, coarsest first: slots x (5 + C).
        companions: the files that the user names.

    Returns:
        the description, and what is uncertain about the class names, in sentences.

    Raises:
        CheckpointError: there are no anchors, or they or the class names do not fit the outputs.
        InputError: the anchors cannot be shared out among the levels, or a file cannot be read.
    """
    usual = _USUAL_ANCHORS.get(variant)
    anchors_file = companions.anchors or find_anchors(path, usual) or find_anchors(path)
    if anchors_file is None:
        raise CheckpointError(
            f"{path}: the file does not say its anchors, and there is no file of anchors next to it.",
            "Give --anchors FILE, the one that the model was trained with (keras-yolo3's "
            "model_data/yolo_anchors.txt, unless you changed it), or put anchors.txt next to it.",
        )
    anchors = read_anchors(anchors_file)
    check_pixels(anchors, str(anchors_file))
    masks = default_masks(variant, len(anchors))
    count = _class_count(anchors_file, anchors, output_rows, [len(mask) for mask in masks])
    names, remarks = _class_names(path, count, companions)
    return Description(variant, anchors, masks, names, batch_norm_epsilon=KERAS_EPSILON), remarks


def numbered_names(count: int) -> tuple[str, ...]:
    """The names of classes without names: "0", "1" and so on."""
    return tuple(map(str, range(count)))


def _class_count(
    path: Path, anchors: Sequence[Anchor], output_rows: Sequence[int], slots: Sequence[int]
) -> int:
    """C, from rows = slots x (5 + C), which has to be the same in all levels."""
    per_slot = [divmod(rows, count) for rows, count in zip(output_rows, slots, strict=True)]
    counts = {numbers - BOX_NUMBERS for numbers, rest in per_slot if rest == 0}
    if any(rest for _, rest in per_slot) or len(counts) != 1 or min(counts) < 1:
        rows = ", ".join(map(str, output_rows))
        raise CheckpointError(
            f"{path}: {len(anchors)} anchors are {' and '.join(map(str, slots))} per cell of each "
            f"level; the outputs with {rows} rows cannot be those of 5 + (classes) numbers for each.",
            "Give the anchors that the model was trained with.",
        )
    return counts.pop()


def _class_names(
    path: Path, count: int, companions: CompanionFiles
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The class names, and what is uncertain about them, in sentences."""
    named = companions.names or find_names(path, count)
    if named is None:
        return numbered_names(count), rejected_names(path, count)
    found = read_class_names(names_file(named))
    if len(found.names) != count:
        raise CheckpointError(
            f"{named}: {len(found.names)} class names; the weights in {path.name} have {count} "
            "classes.",
            "Give the class names that the model was trained with.",
        )
    return found.names, tuple(remark.about(named) for remark in found.remarks)
