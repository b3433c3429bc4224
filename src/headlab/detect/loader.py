"""Read images and video frames one at a time, as ultralytics reads them."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headlab.detect.offline import ultralytics

COLOUR_CHANNELS = 3


def loader(files: Sequence[Path], *, channels: int = COLOUR_CHANNELS, vid_stride: int = 1) -> Any:
    """A loader of files, one at a time: given a list, ultralytics would read all at once.

    It takes a name with a star for a pattern, and sorts; here the files are what was named.

    Args:
        files: images or videos.
        channels: of the pictures, 3 for colour.
        vid_stride: take every n-th frame of a video.
    """
    loaders = ultralytics("data.loaders")
    made = loaders.LoadImagesAndVideos(
        [glob.escape(str(file)) if "*" in str(file) else str(file) for file in files],
        batch=1,
        vid_stride=vid_stride,
        channels=channels,
    )
    made.files = [str(file.absolute()) for file in files]
    made.source_type = loaders.SourceTypes()
    return made
