"""Explanations of the numbers of a YOLOv3 head, for the user's own model."""
