"""Anchors checked against boxes: `headlab.anchors.check`."""
