"""What the comparisons work on: real weights and photos from ../shared, or the demo's own."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"
PHOTOS = SHARED / "coco128" / "images" / "train2017"
_YOLOV8N = SHARED / "weights" / "yolov8n.pt"
_DEMO = ROOT / "src" / "headlab" / "demo" / "demo.pt"


def weights() -> Path:
    """The model: YOLOv8n, or the demo detector without ../shared."""
    return _YOLOV8N if _YOLOV8N.is_file() else _DEMO
