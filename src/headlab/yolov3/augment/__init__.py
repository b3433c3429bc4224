"""What a photo and its boxes become before a network is trained on them."""
