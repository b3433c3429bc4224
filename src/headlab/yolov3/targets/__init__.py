"""What a YOLOv3 network should have said: which slot of which cell answers for which truth."""
