"""Fitted anchors as files for programs: keras-yolo3's anchors.txt, lines for a darknet .cfg, YAML."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from headlab.anchors.fitting.document import anchors_document
from headlab.heads.anchor_set import KERAS_TINY_MASKS

if TYPE_CHECKING:
    from headlab.anchors.fitting.fit import AnchorFit

BOX_NUMBERS = 5
"""x, y, width, height and objectness: what a slot predicts besides its classes."""


def anchors_text(path: Path, fit: AnchorFit) -> str:
    """The anchors in the format that a file's name asks for: .txt, .cfg, .yaml or .yml."""
    suffix = path.suffix.lower()
    if suffix == ".txt":
        return keras_text(fit)
    return darknet_text(fit) if suffix == ".cfg" else yaml_text(fit)


def caveats(path: Path, fit: AnchorFit) -> tuple[str, ...]:
    """What such a file does not say, in sentences."""
    if path.suffix.lower() != ".txt":
        return ()
    if fit.k == 6 and fit.masks != KERAS_TINY_MASKS:
        return (
            "keras-yolo3 gives six anchors the masks 3,4,5 and 1,2,3: anchor 0 is unused there, and anchor "
            "3 serves both levels. Set anchor_mask to [[3,4,5], [0,1,2]] in its model.py and yolo.py.",
        )
    if fit.k != 9 or fit.masks != ((6, 7, 8), (3, 4, 5), (0, 1, 2)):
        return (
            "An anchors.txt does not say which anchor serves which level: keras-yolo3 reads it as nine "
            f"anchors in three even groups, but here the masks are {list(map(list, fit.masks))}. "
            "A .cfg, .yaml or .json file says so.",
        )
    return ()


def numbers_text(fit: AnchorFit) -> str:
    """Widths and heights as "w,h,  w,h,  …", as in anchors.txt and in a .cfg."""
    pairs = (
        [np.format_float_positional(side, trim="-") for side in pair] for pair in fit.anchors_wh
    )
    return ",  ".join(",".join(pair) for pair in pairs)


def keras_text(fit: AnchorFit) -> str:
    """One line, as keras-yolo3 reads it."""
    return f"{numbers_text(fit)}\n"


def darknet_text(fit: AnchorFit) -> str:
    """The lines for each [yolo] section of a .cfg, coarsest level first."""
    lines = [
        "# Lines for the [yolo] sections, in the order of YOLOv3's .cfg files (coarsest level first).",
        *_for_input(fit),
    ]
    levels = fit.assignment.levels
    for mask, name, stride in zip(
        fit.masks, levels.names[::-1], levels.strides_px[::-1], strict=True
    ):
        per_slot = f"({BOX_NUMBERS}+classes)"
        filters = f"{len(mask)}*{per_slot}"
        if fit.class_count is not None:
            filters += (
                f" = {len(mask) * (BOX_NUMBERS + fit.class_count)} for {fit.class_count} classes"
            )
        lines += [
            "",
            f"# {name}, stride {stride}; the [convolutional] before it needs filters={filters}",
            "[yolo]",
            f"mask={','.join(map(str, mask))}",
            f"anchors={numbers_text(fit)}",
            f"num={fit.k}",
        ]
    return "\n".join(lines) + "\n"


def _for_input(fit: AnchorFit) -> list[str]:
    """The settings of [net] that the anchors are for."""
    if fit.input_hw is None:
        return []
    stretched = ", for photos stretched to it (letter_box=0)" if fit.resize == "stretch" else ""
    return [f"# For width={fit.input_hw[1]} and height={fit.input_hw[0]}{stretched}."]


def yaml_text(fit: AnchorFit) -> str:
    """The anchors, their levels and what they are for as YAML, one key per line."""
    import yaml

    lines = ["# Widths and heights; masks, levels and strides begin with the coarsest level."]
    for key, value in anchors_document(fit).items():
        text = yaml.safe_dump(value, default_flow_style=True, width=10_000).strip()
        lines.append(f"{key}: {text.removesuffix('...').strip()}")
    return "\n".join(lines) + "\n"
