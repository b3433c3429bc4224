"""What messages call a network."""

from __future__ import annotations

TITLES = {"yolov3": "YOLOv3", "yolov3-spp": "YOLOv3-SPP", "yolov3-tiny": "YOLOv3-tiny"}


def title(variant: str, class_count: int) -> str:
    """Such as "YOLOv3-tiny with 80 classes"."""
    return f"{TITLES[variant]} with {class_count} class{'' if class_count == 1 else 'es'}"
