"""The numbers of a head, explained on the user's own model."""
