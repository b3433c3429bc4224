"""Checkpoint -> layout, for every family."""

from __future__ import annotations

from headlab.checkpoint.checkpoint import Checkpoint
from headlab.families.table import family_of
from headlab.heads.layout import Layout


def identify(checkpoint: Checkpoint) -> Layout:
    """Describe a checkpoint's head.

    Raises:
        UnsupportedHead: the head is of a kind that headlab does not describe.
        CheckpointError: the file contradicts itself.
    """
    return family_of(checkpoint).describe(checkpoint)
