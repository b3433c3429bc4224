"""The version, read by the build and by `headlab --version`."""

__version__ = "0.2.0"
