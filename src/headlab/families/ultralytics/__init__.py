"""Heads of ultralytics: anchor-free, in `.pt` checkpoints."""
