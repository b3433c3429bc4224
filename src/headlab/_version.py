"""The version, read by the build and by `headlab --version`."""

__version__ = "0.1.0"
