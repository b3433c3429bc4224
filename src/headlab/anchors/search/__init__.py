"""The search for k shapes that cover weighted box shapes best."""
