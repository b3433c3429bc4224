"""The columns of one image's detections: box, class and score, address, support."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from headlab.detect.offline import ultralytics
from headlab.detect.predictor import Prediction
from headlab.detect.settings import Settings
from headlab.heads.addresses import AddressSpace
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
    for at, name in enumerate(layout.level_names):
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
    angle = boxes.xywhr[:, 4].cpu().numpy().astype(np.float64) if layout.rotated else None
    return {
        "class_id": class_ids,
        "class_name": [layout.class_names[each] for each in class_ids],
        "score": boxes.conf.cpu().numpy().astype(np.float64),
        "x1": corners[:, 0],
        "y1": corners[:, 1],
        "x2": corners[:, 2],
        "y2": corners[:, 3],
        "angle_rad": np.full(len(class_ids), np.nan) if angle is None else angle,
    }


def _address_columns(prediction: Prediction, space: AddressSpace, layout: Layout) -> dict[str, Any]:
    where = space.address_all(prediction.flat)
    stride = np.array(space.strides_px, np.int64)[where.level]
    cells = _cells_in_image(prediction, where.row, where.col, stride)
    return {
        "level": [layout.level_names[level] for level in where.level],
        "stride_px": stride,
        "row": where.row,
        "col": where.col,
        "slot": where.slot,
        "flat_index": prediction.flat,
        **{f"cell_{name}": cells[:, at] for at, name in enumerate(("x1", "y1", "x2", "y2"))},
    }


def _cells_in_image(
    prediction: Prediction,
    row: NDArray[np.int64],
    col: NDArray[np.int64],
    stride: NDArray[np.int64],
) -> NDArray[np.float64]:
    """The cells as boxes in the original image, mapped back as ultralytics maps detections."""
    cells = np.stack((col, row, col + 1, row + 1), axis=1) * stride[:, None]
    scaled = ultralytics("utils.ops").scale_boxes(
        prediction.input_hw_px, cells.astype(np.float64), prediction.image_bgr.shape
    )
    return np.asarray(scaled, np.float64)
