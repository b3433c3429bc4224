"""The demonstration detector: drawn blood-smear scenes and a tiny network trained on them."""
