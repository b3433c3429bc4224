"""Checkpoints that ultralytics saved: a zip archive with a pickle, read as data."""
