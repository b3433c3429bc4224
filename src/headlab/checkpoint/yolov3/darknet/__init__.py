"""darknet's files: `.cfg` and `.weights`."""
