"""What each class would gain from anchors of its own: `headlab.anchors.per_class`."""
