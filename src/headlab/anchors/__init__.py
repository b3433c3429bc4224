"""Anchors: fit them to boxes, check those in use, see what each class loses by sharing them.

    import headlab.anchors

    fit = headlab.anchors.fit("2007_train.txt", k=9, imgsz=416)
    fit.anchors_wh, fit.masks, fit.mean_iou
    headlab.anchors.check("yolo_anchors.txt", "2007_train.txt").findings
    headlab.anchors.per_class("2007_train.txt").verdict
    headlab.anchors.stats("2007_train.txt").classes

Anchors are widths and heights in pixels of the network's input.
"""

from headlab.anchors.api import check, fit, per_class, stats

__all__ = ["check", "fit", "per_class", "stats"]
