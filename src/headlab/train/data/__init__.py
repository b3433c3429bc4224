"""The data: which photos, how they are read and augmented, and the batches they become."""
