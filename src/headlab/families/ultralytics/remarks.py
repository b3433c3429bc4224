"""What is known of an ultralytics checkpoint beyond what its head says."""

from __future__ import annotations

from headlab.checkpoint.pt.checkpoint import PtCheckpoint
from headlab.checkpoint.pt.foreign import unknown_remark

_LONGEST_SHOWN = 60


def remarks(checkpoint: PtCheckpoint) -> tuple[str, ...]:
    """What is unusual about the file, in sentences."""
    texts = (_size(checkpoint), unknown_remark(checkpoint.pickle))
    return tuple(text for text in texts if text)


def _size(checkpoint: PtCheckpoint) -> str:
    said = checkpoint.said_imgsz
    if said is None:
        return ""
    return (
        f"It says imgsz {repr(said)[:_LONGEST_SHOWN]} of its training, which is no size; where none is "
        "given, 640 is used."
    )
