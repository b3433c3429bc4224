"""How good a detector is on annotated photos: COCO's figures, and by the address of the detections."""
