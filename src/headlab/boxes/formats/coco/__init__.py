"""COCO's annotations: one JSON file."""
