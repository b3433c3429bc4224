"""The families of heads that headlab knows, each a folder."""
