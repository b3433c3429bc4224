"""ultralytics' anchor-free models, in `.pt` checkpoints."""
