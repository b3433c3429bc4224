"""headlab: a laboratory for YOLO detection heads."""
