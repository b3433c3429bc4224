"""Fitted anchors as files: keras-yolo3's anchors.txt, lines for a darknet .cfg, YAML, JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from headlab.anchors.fitting import Fit
from headlab.errors import InputError
from headlab.heads.anchor_set import KERAS_TINY_MASKS

BOX_NUMBERS = 5
"""x, y, width, height and objectness: what a slot predicts besides its classes."""


def text_for(path: Path, fit: Fit) -> str:
    """The anchors in the format that a file's name asks for.

    Raises:
        InputError: the name asks for none.
    """
    suffix = path.suffix.lower()
    if suffix not in _FORMATS:
        raise InputError(
            f"{path}: anchors are not written as {suffix or 'a file without an ending'}.",
            f"Name a file that ends in {', '.join(_FORMATS)}.",
        )
    return _FORMATS[suffix](fit)


def caveats(path: Path, fit: Fit) -> tuple[str, ...]:
    """What such a file does not hold, in sentences."""
    if path.suffix.lower() != ".txt":
        return ()
    found = []
    if fit.k == 6 and fit.masks != KERAS_TINY_MASKS:
        found.append(
            "keras-yolo3 gives six anchors the masks 3,4,5 and 1,2,3: anchor 0 is unused there, and anchor "
            "3 serves both levels. Set anchor_mask to [[3,4,5], [0,1,2]] in its model.py and yolo.py."
        )
    elif not (fit.k == 9 and fit.masks == ((6, 7, 8), (3, 4, 5), (0, 1, 2))):
        found.append(
            "An anchors.txt does not say which anchor serves which level, and keras-yolo3 reads it as nine "
            f"anchors in three even groups; here the masks are {list(map(list, fit.masks))}. "
            "The .cfg, .yaml and .json say so."
        )
    return tuple(found)


def numbers_text(fit: Fit) -> str:
    """Widths and heights as "w,h,  w,h,  …", as in anchors.txt and in a .cfg."""
    pairs = (
        [np.format_float_positional(side, trim="-") for side in pair] for pair in fit.anchors_wh
    )
    return ",  ".join(",".join(pair) for pair in pairs)


def keras_text(fit: Fit) -> str:
    """One line, as keras-yolo3 reads it."""
    return f"{numbers_text(fit)}\n"


def darknet_text(fit: Fit) -> str:
    """The lines that belong into each [yolo] section of a .cfg, coarsest level first."""
    lines = [
        "# Lines for the [yolo] sections, in the order of YOLOv3's .cfg files (coarsest level first).",
        *([f"# For width={fit.input_hw[1]} and height={fit.input_hw[0]}."] if fit.input_hw else []),
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


def document(fit: Fit) -> dict[str, Any]:
    """What YAML and JSON files hold; `headlab anchors check` reads it."""
    levels = fit.assignment.levels
    return {
        "anchors": fit.anchors_wh.tolist(),
        "levels": list(levels.names[::-1]),
        "strides": list(levels.strides_px[::-1]),
        "masks": [list(mask) for mask in fit.masks],
        "units": fit.units,
        "input_hw": list(fit.input_hw) if fit.input_hw else None,
        "resize": fit.resize,
        "objective": fit.objective,
        "seed": fit.seed,
        "boxes": fit.coverage.boxes,
        "mean_iou": round(fit.coverage.mean_iou, 6),
        "recall_50": round(fit.coverage.recall_50, 6),
        "recall_ratio_4": round(fit.coverage.recall_ratio_4, 6),
    }


def yaml_text(fit: Fit) -> str:
    """The document as YAML: one key a line."""
    import yaml

    lines = ["# Widths and heights; masks, levels and strides begin with the coarsest level."]
    for key, value in document(fit).items():
        text = yaml.safe_dump(value, default_flow_style=True, width=10_000).strip()
        lines.append(f"{key}: {text.removesuffix('...').strip()}")
    return "\n".join(lines) + "\n"


def json_text(fit: Fit) -> str:
    """The document as JSON."""
    return json.dumps(document(fit), indent=2) + "\n"


_FORMATS: dict[str, Callable[[Fit], str]] = {
    ".txt": keras_text,
    ".cfg": darknet_text,
    ".yaml": yaml_text,
    ".yml": yaml_text,
    ".json": json_text,
}
FORMATS: tuple[str, ...] = tuple(_FORMATS)
