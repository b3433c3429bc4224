"""Runs: what one pass of a network made of images, stored so that anything can be asked of it later."""
