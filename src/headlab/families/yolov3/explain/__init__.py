"""The numbers of a YOLOv3 head, explained on the user's own model."""
