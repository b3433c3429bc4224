"""What is wrong with annotations."""
