"""Reading and writing files: whole or not at all, text in any encoding, errors with file and line."""
