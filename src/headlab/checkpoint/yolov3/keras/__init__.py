"""Keras' files: `.h5` of keras-yolo3, whole models, and `.weights.h5` of Keras 3."""
