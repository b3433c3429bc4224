"""Where a detection comes from, what supported it, and what would happen without a level."""
