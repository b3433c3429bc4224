"""Everything that decides how a training goes."""
