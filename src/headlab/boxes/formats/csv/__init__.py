"""Annotations in CSV: a row per box, as TensorFlow's scripts, keras-retinanet and Roboflow write it."""
