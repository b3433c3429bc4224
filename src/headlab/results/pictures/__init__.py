"""Drawing on photos, and saving what was drawn."""
