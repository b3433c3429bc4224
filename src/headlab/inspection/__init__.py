"""What a model's head is made of."""
