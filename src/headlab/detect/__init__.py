"""Run a network on images and keep the address of every candidate through NMS."""
