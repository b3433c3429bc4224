"""How large annotated boxes are."""
