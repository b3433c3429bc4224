"""What differs between two model files."""
