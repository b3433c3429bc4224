"""The columns of one image's detections: box, class and score, address, support."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from headlab.detect.prediction import Prediction
from headlab.detect.settings import Settings
from headlab.heads.addresses import Addresses, AddressSpace
from headlab.heads.layout import Layout
from headlab.trace.support import support


def detection_columns(prediction: Prediction, layout: Layout, settings: Settings) -> dict[str, Any]:
    """Arrays and lists of length M by column name; `headlab.trace.trace.Trace` describes them."""
    space = layout.addresses(*prediction.input_hw_px)
    columns = {
        **_box_columns(prediction, layout),
        **_address_columns(prediction, space, layout),
    }
    behind = support(prediction, space, layout, settings)
    for at, name in enumerate(behind.groups):
        columns[f"merged_{name}"] = behind.merged[:, at]
        columns[f"best_{name}"] = behind.best[:, at]
        columns[f"alone_{name}"] = behind.alone[:, at]
        columns[f"without_{name}"] = behind.without[:, at]
    return columns


def _box_columns(prediction: Prediction, layout: Layout) -> dict[str, Any]:
    result = prediction.result
    boxes = result.obb if layout.rotated else result.boxes
    class_ids = boxes.cls.cpu().numpy().astype(np.int64)
    corners = boxes.xyxy.cpu().numpy().astype(np.float64).reshape(-1, 4)
    rotated = np.full((len(class_ids), 5), np.nan)  # x, y, w, h in pixels of the image, angle
    if layout.rotated:
        rotated = boxes.xywhr.cpu().numpy().astype(np.float64).reshape(-1, 5)
    return {
        "class_id": class_ids,
        "class_name": [layout.class_names[each] for each in class_ids],
        "score": boxes.conf.cpu().numpy().astype(np.float64),
        "x1": corners[:, 0],
        "y1": corners[:, 1],
        "x2": corners[:, 2],
        "y2": corners[:, 3],
        "angle_rad": rotated[:, 4],
        "obb_w": rotated[:, 2],
        "obb_h": rotated[:, 3],
    }


def _address_columns(prediction: Prediction, space: AddressSpace, layout: Layout) -> dict[str, Any]:
    where = space.address_all(prediction.flat)
    stride = np.array(space.strides_px, np.int64)[where.level]
    anchors = _anchors_wh_px(where, layout)
    sizes = _sizes_wh_px(prediction, layout)
    cells = np.stack((where.col, where.row, where.col + 1, where.row + 1), axis=1)
    in_image = prediction.to_image((cells * stride[:, None]).astype(np.float64))
    return {
        "level": [layout.level_names[level] for level in where.level],
        "stride_px": stride,
        "row": where.row,
        "col": where.col,
        "slot": where.slot,
        "flat_index": prediction.flat,
        "anchor_w": anchors[:, 0],
        "anchor_h": anchors[:, 1],
        "input_w": sizes[:, 0],
        "input_h": sizes[:, 1],
        **{f"cell_{name}": in_image[:, at] for at, name in enumerate(("x1", "y1", "x2", "y2"))},
    }


def _anchors_wh_px(where: Addresses, layout: Layout) -> NDArray[np.float64]:
    """The anchors that the detections started from, in input pixels; NaN for anchor-free heads."""
    anchors = np.full((len(where.level), 2), np.nan)
    for at, (level, slot) in enumerate(zip(where.level, where.slot, strict=True)):
        if layout.levels[level].anchors_wh_px:
            anchors[at] = layout.levels[level].anchors_wh_px[slot]
    return anchors


def _sizes_wh_px(prediction: Prediction, layout: Layout) -> NDArray[np.float64]:
    """The boxes' own width and height in input pixels, before they are cut off at the image's edge."""
    boxes = prediction.kept[:, :4].cpu().numpy().astype(np.float64)
    sizes: NDArray[np.float64] = boxes[:, 2:] if layout.rotated else boxes[:, 2:] - boxes[:, :2]
    return sizes
