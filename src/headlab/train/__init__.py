"""Train YOLOv3 in two stages: with the head alone, then with everything."""
