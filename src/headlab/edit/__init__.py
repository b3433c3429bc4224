"""Rewrite class rows: recipe -> plan -> apply -> write. Nothing is touched before all of it is checked."""
