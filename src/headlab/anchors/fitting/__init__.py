"""Anchors fitted to boxes: `headlab.anchors.fit`."""
