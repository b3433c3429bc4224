"""YOLOv3 model files: darknet, keras-yolo3 and headlab's own, as one set of named tensors."""
