"""One module per annotation format: how it is read and how it is written."""
