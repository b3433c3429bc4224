"""Which masks do the official YOLOv3-tiny weights fit? The measurement in docs/yolov3-numbers.md.

The P4 slots that found a labelled object of COCO128 are decoded with the anchors of both masks. Needs
../shared/data.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from material import PHOTOS, SHARED
from numpy.typing import NDArray

from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.families.read import read
from headlab.yolov3.load import build

INPUT_PX = 416
STRIDE_PX = 16
LEAST_OBJECTNESS = 0.4
MASKS = ((0, 1, 2), (1, 2, 3))
Numbers = NDArray[np.float64]


def main() -> None:
    checkpoint = read(SHARED / "weights" / "yolov3-tiny.weights")
    assert isinstance(checkpoint, Yolov3Checkpoint)
    anchors = np.array(checkpoint.description.anchors_wh_px)
    slots, outputs, labels = found_in_p4(checkpoint)
    print(f"{len(slots)} P4 slots found a labelled object")
    for mask in MASKS:
        sizes = anchors[np.array(mask)[slots]] * np.exp(outputs[:, 2:4])
        print(f"mask {mask}: mean IoU {overlaps(outputs[:, :2], sizes, labels).mean():.2f}")
    for slot in range(3):
        learned = (labels[:, 2:] / np.exp(outputs[:, 2:4]))[slots == slot]
        width, height = np.median(learned, axis=0)
        print(f"slot {slot} learned the anchor {width:.0f}x{height:.0f}")


@torch.inference_mode()
def found_in_p4(checkpoint: Yolov3Checkpoint) -> tuple[NDArray[np.int64], Numbers, Numbers]:
    """Per find its slot, (x, y, tw, th) with the centre in pixels, and its label (x, y, w, h) in pixels."""
    network, found = build(checkpoint), []
    for photo in sorted(PHOTOS.glob("*.jpg")):
        text = SHARED / "coco128" / "labels" / "train2017" / f"{photo.stem}.txt"
        if not text.is_file():
            continue
        pixels = cv2.cvtColor(cv2.imread(str(photo)), cv2.COLOR_BGR2RGB)
        pixels = cv2.resize(pixels, (INPUT_PX, INPUT_PX), interpolation=cv2.INTER_LINEAR)
        raw = network(torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255)[1]
        grid = raw.shape[-1]
        cells = raw.double().numpy().reshape(3, -1, grid, grid)
        for class_id, *box in np.loadtxt(text, ndmin=2):
            label = np.array(box) * INPUT_PX
            column, row = np.minimum(label[:2] // STRIDE_PX, grid - 1).astype(int)
            for slot, numbers in enumerate(cells[:, :, row, column]):
                is_found = sigmoid(numbers[4]) > LEAST_OBJECTNESS
                if is_found and numbers[5:].argmax() == class_id:
                    center = (sigmoid(numbers[:2]) + np.array([column, row])) * STRIDE_PX
                    found.append((slot, np.concatenate([center, numbers[2:4]]), label))
    slots, outputs, labels = zip(*found, strict=True)
    return np.array(slots), np.stack(outputs), np.stack(labels)


def sigmoid(values: Numbers) -> Numbers:
    return 1 / (1 + np.exp(-values))


def overlaps(centers: Numbers, sizes: Numbers, labels: Numbers) -> Numbers:
    """Intersection over union of boxes and labels, row by row."""
    low = np.maximum(centers - sizes / 2, labels[:, :2] - labels[:, 2:] / 2)
    high = np.minimum(centers + sizes / 2, labels[:, :2] + labels[:, 2:] / 2)
    common = np.maximum(high - low, 0).prod(axis=1)
    return common / (sizes.prod(axis=1) + labels[:, 2:].prod(axis=1) - common)


if __name__ == "__main__":
    main()
