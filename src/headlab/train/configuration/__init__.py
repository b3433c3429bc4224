"""The configuration: every value that decides how a training goes, from YAML, options or Python."""
