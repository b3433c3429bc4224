"""YOLOv3 in PyTorch: networks, loading of weights, decoding, training targets, loss and augmentation."""
