"""keras-yolo3's annotations: one text file, a line per photo."""
