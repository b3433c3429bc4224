"""Model files as named tensors, read without running anything in them, and written back safely."""
