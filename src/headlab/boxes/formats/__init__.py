"""Annotation formats: a folder each, and a table of them; docs/extending.md says how to add one."""
