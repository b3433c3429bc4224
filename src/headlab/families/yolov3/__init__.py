"""YOLOv3 models, whose heads have anchors, in darknet, Keras and headlab files."""
