"""YOLO's annotations: a label file per photo."""
