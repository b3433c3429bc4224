"""How large annotated boxes are: `headlab.boxes.stats`."""
