"""YOLOv3 models from one file format to another."""
