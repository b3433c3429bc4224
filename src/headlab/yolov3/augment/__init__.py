"""Augmentation: photos and their boxes, varied for training."""
