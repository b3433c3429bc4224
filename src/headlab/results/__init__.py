"""What all results share: tables, JSON, plots, pictures, and how they show themselves."""
