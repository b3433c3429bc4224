"""The plain ways to read annotations and the sizes of photos, to compare with.

naive_boxes.py keras FILE     split every line at its blanks and commas, as keras-yolo3 does
naive_boxes.py coco FILE      pycocotools, or, where it is not installed, json and loops
naive_boxes.py headers DIR    open one photo after the other with Pillow
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np


def keras(file: str) -> int:
    count = 0
    with Path(file).open(encoding="utf-8") as lines:
        for line in lines:
            words = line.split()
            boxes = np.array([np.array(list(map(int, word.split(",")))) for word in words[1:]])
            count += len(boxes)
    return count


def coco(file: str) -> int:
    try:
        from pycocotools.coco import COCO
    except ImportError:
        content = json.loads(Path(file).read_text(encoding="utf-8"))
        names = {image["id"]: image["file_name"] for image in content["images"]}
        rows = [(names[each["image_id"]], *each["bbox"]) for each in content["annotations"]]
        return len(rows)
    return len(COCO(file).anns)


def headers(folder: str) -> int:
    from PIL import Image

    sizes = []
    for path in sorted(Path(folder).iterdir()):
        with Image.open(path) as photo:
            sizes.append(photo.size)
    return len(sizes)


if __name__ == "__main__":
    print({"keras": keras, "coco": coco, "headers": headers}[sys.argv[1]](sys.argv[2]))
