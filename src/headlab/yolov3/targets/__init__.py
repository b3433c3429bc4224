"""Training targets of YOLOv3: which slot of which cell is responsible for which truth."""
