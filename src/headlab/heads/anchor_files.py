"""Anchors from files: keras-yolo3's anchors.txt, a darknet .cfg, and the YAML and JSON of `anchors fit`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

import numpy.typing as npt

from headlab.errors import InputError
from headlab.files.json_text import read_json
from headlab.files.numbers import decimal_number, whole_number
from headlab.heads.anchor_set import AnchorSet, anchor_set
from headlab.heads.detection import RESIZES, Resize
from headlab.heads.input_pixels import LARGEST_SIDE_PX

if TYPE_CHECKING:
    from headlab.checkpoint.yolov3.darknet.sections import Section


class HasAnchors(Protocol):
    """Something that has anchors, such as a fit."""

    @property
    def anchor_set(self) -> AnchorSet:
        """The anchors, and the levels that they serve."""


Anchors: TypeAlias = "str | Path | AnchorSet | HasAnchors | npt.ArrayLike"
"""What every `anchors=` takes: a file, a fit, or widths and heights (K, 2)."""


def as_anchor_set(anchors: Anchors) -> AnchorSet:
    """Anchors and their levels from a file, a fit or numbers.

    Raises:
        InputError: the file cannot be read, or these are not anchors.
    """
    if isinstance(anchors, AnchorSet):
        return anchors
    if isinstance(anchors, (str, Path)):
        return read_anchor_set(anchors)
    fitted = getattr(anchors, "anchor_set", None)
    if isinstance(fitted, AnchorSet):
        return fitted
    return anchor_set(cast("npt.ArrayLike", anchors))


def read_anchor_set(path: str | Path) -> AnchorSet:
    """Read anchors, and the level that each serves, if the file says so.

    A file that ends in .cfg, .yaml, .yml or .json is read as such, any other as keras-yolo3's anchors.txt.

    Raises:
        InputError: the file cannot be read, or has no anchors.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".cfg":
        return _from_cfg(path)
    if suffix in (".yaml", ".yml", ".json"):
        return _from_document(path)
    from headlab.checkpoint.yolov3.anchor_list import read_anchors

    return anchor_set(read_anchors(path), source=str(path))


def _from_cfg(path: Path) -> AnchorSet:
    """The anchors and masks of the [yolo] sections of a .cfg; the rest of the network is not checked."""
    from headlab.checkpoint.yolov3.darknet.layers import items, wholes
    from headlab.checkpoint.yolov3.darknet.sections import read_sections

    sections = read_sections(path)
    heads = [section for section in sections if section.kind == "yolo"]
    if not heads:
        raise InputError(
            f"{path}: there is no [yolo] section.", "Name the .cfg of a YOLO model with anchors."
        )
    for head in heads:
        if "anchors" not in head.values:
            raise InputError(f"{head.where()}: anchors= is missing.", "Add it.")
    texts = items(heads[0], "anchors")
    for head in heads[1:]:
        if items(head, "anchors") != texts:
            raise InputError(
                f"{head.where('anchors')}: anchors= differs from that in line {heads[0].line}.",
                "All [yolo] sections of a network have the same anchors.",
            )
    numbers = [_number(text, heads[0]) for text in texts]
    if len(numbers) % 2:
        raise InputError(
            f"{heads[0].where('anchors')}: anchors= has {len(numbers)} numbers, which are not pairs.",
            "Write a width and a height for each anchor.",
        )
    all_anchors = list(range(len(numbers) // 2))
    masks = [wholes(head, "mask") if "mask" in head.values else all_anchors for head in heads]
    return anchor_set(
        numbers,
        masks,
        strides_px=_strides(sections),
        source=str(path),
        input_hw=_input_hw(sections[0]),
        resize=_resize(sections[0]),
    )


def _number(text: str, section: Section) -> float:
    number = decimal_number(text)
    if number is None:
        raise InputError(
            f"{section.where('anchors')}: anchors= has {text!r}, which is not a number.",
            "Write widths and heights in input pixels: 10,13,  16,30,  33,23, …",
        )
    return number


def _input_hw(net: Section) -> tuple[int, int] | None:
    sizes = [net.values[key].text for key in ("height", "width") if key in net.values]
    known = [whole_number(size) for size in sizes]
    if net.kind != "net" or len(known) != 2:
        return None
    height, width = known
    if height is None or width is None or min(height, width) < 1:
        return None
    return height, width


def _resize(net: Section) -> Resize | None:
    from headlab.checkpoint.yolov3.darknet.cfg import letter_box_of

    letter_box = letter_box_of(net) if net.kind == "net" else None
    return None if letter_box is None else "letterbox" if letter_box else "stretch"


def _strides(sections: Sequence[Section]) -> list[int] | None:
    """The stride of each [yolo] section's map, computed layer by layer; None if that is not possible.

    YOLOv3 lists its coarsest level first, YOLOv4 its finest.
    """
    from headlab.checkpoint.yolov3.darknet.layers import whole, wholes

    strides: list[float] = []
    of_heads: list[float] = []
    for section in sections:
        if section.kind == "net":
            continue
        before = strides[-1] if strides else 1.0
        if section.kind in ("convolutional", "maxpool"):
            before *= whole(section, "stride", 1)
        elif section.kind == "upsample":
            before /= max(1, whole(section, "stride", 2))
        elif section.kind == "route" and "layers" in section.values:
            source = wholes(section, "layers")[0]
            layer = source if source >= 0 else len(strides) + source
            before = strides[layer] if 0 <= layer < len(strides) else before
        elif section.kind == "yolo":
            of_heads.append(before)
        strides.append(before)
    usable = all(stride >= 2 and stride.is_integer() for stride in of_heads)
    distinct = len(set(of_heads)) == len(of_heads)
    return [int(stride) for stride in of_heads] if usable and distinct else None


def _from_document(path: Path) -> AnchorSet:
    document = _parsed(path)
    if not isinstance(document, dict) or "anchors" not in document:
        raise InputError(
            f"{path}: there is no key 'anchors'.",
            "Name a file that headlab anchors fit -o FILE wrote, an anchors.txt, or a .cfg.",
        )
    size = document.get("input_hw")
    masks = document.get("masks")
    whole_masks = isinstance(masks, list) and all(
        isinstance(mask, list) and all(type(number) is int for number in mask) for mask in masks
    )
    if masks is not None and not whole_masks:
        raise InputError(
            f"{path}: masks is not a list of lists of anchor numbers.",
            "For nine anchors: [[6, 7, 8], [3, 4, 5], [0, 1, 2]].",
        )
    strides = document.get("strides")
    one_per_mask = (
        isinstance(strides, list)
        and masks is not None
        and len(strides) == len(masks)
        and all(type(stride) is int and stride > 0 for stride in strides)
    )
    if strides is not None and not one_per_mask:
        raise InputError(f"{path}: strides do not fit the masks.", "Give one stride per mask.")
    known_size = (
        isinstance(size, list)
        and len(size) == 2
        and all(type(side) is int and 0 < side <= LARGEST_SIDE_PX for side in size)
    )
    if size is not None and not known_size:
        raise InputError(
            f"{path}: input_hw is no height and width in pixels.",
            "Such as [416, 416]; or remove it.",
        )
    return anchor_set(
        document["anchors"],
        masks,
        strides_px=strides,
        source=str(path),
        input_hw=None if size is None else (size[0], size[1]),
        resize=next((known for known in RESIZES if known == document.get("resize")), None),
    )


def _parsed(path: Path) -> Any:
    """The document's values; of its texts none counts, so that a guessed encoding needs no remark."""
    if path.suffix.lower() == ".json":
        return read_json(path)
    from headlab.files.yaml_file import read_yaml

    return read_yaml(path).values
