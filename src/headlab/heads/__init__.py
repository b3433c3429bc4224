"""The one description of a detection head, and how it is recognised in each family."""
