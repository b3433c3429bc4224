"""YOLOv3 on PyTorch: its networks, how weights get into them, and how they predict fast."""
