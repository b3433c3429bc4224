"""What headlab shows: tables, pictures, and files."""
