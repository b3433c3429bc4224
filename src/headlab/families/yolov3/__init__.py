"""YOLOv3: heads with anchors, from darknet, Keras and headlab files."""
