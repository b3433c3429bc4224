"""The photos that annotations name: where they are, and how large."""
