"""Read images and video frames one at a time, as ultralytics reads them; damaged photos are refused."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import cache
from typing import Any

from headlab.boxes.photos.decoding import decoded_bgr
from headlab.detect.sources import Source
from headlab.errors import SourceError
from headlab.extras import ultralytics

COLOUR_CHANNELS = 3


def loader(
    sources: Sequence[Source], *, channels: int = COLOUR_CHANNELS, vid_stride: int = 1
) -> Any:
    """A loader of sources, one image or frame at a time: given a list, ultralytics would read all at once.

    It yields (names, images, messages), each a list of one. Its attribute `served` gets the source of each
    image as it is read, so that a caller who takes one from the left for each image knows where it is from,
    whatever could not be read (`headlab.boxes.photos.decoding.decoding_fault` says why).

    Args:
        sources: images in memory, then image files, then videos.
        channels: of the pictures, 3 for colour.
        vid_stride: take every n-th frame of a video.
    """
    return _loader_class()(sources, channels, vid_stride)


@cache
def _loader_class() -> type:
    loaders = ultralytics("data.loaders")
    parent: Any = loaders.LoadImagesAndVideos

    class Loader(parent):  # type: ignore[misc]
        """ultralytics' loader of files, which has no file to begin with, and images in memory before them."""

        def __init__(self, sources: Sequence[Source], channels: int, vid_stride: int) -> None:
            import cv2

            self.sources = list(sources)
            self.channels = channels
            self.served: deque[Source] = deque()
            # What the parent's __init__ sets, which would take a star in a name for a pattern, and sort.
            self.files = [
                str(source.path.absolute()) if source.path else source.name for source in sources
            ]
            self.video_flag = [source.is_video for source in sources]
            self.nf = len(self.files)
            self.ni = self.nf - sum(self.video_flag)
            self.mode = "image" if self.ni else "video"
            self.vid_stride, self.bs, self.cap, self.count = vid_stride, 1, None, 0
            self.cv2_flag = {1: cv2.IMREAD_GRAYSCALE, 3: cv2.IMREAD_COLOR}.get(
                channels, cv2.IMREAD_UNCHANGED
            )
            self.source_type = loaders.SourceTypes()

        def __next__(self) -> tuple[list[str], list[Any], list[str]]:
            while self.count < self.nf and not self.video_flag[self.count]:
                source = self.sources[self.count]
                path = self.files[self.count]
                self.count += 1
                try:
                    if source.image is None:
                        self.mode = "image"
                        pixels = [decoded_bgr(path, self.channels)]
                    else:
                        path = source.name
                        pixels = loaders.LoadPilAndNumpy(source.image, self.channels).im0
                except (OSError, SyntaxError, SourceError):  # a PIL image reads its file only now
                    continue
                self.served.append(source)
                return [path], pixels, [""]
            start = self.count
            batch: tuple[list[str], list[Any], list[str]] = super().__next__()
            self.served.append(self.sources[self.files.index(batch[0][0], start)])
            return batch

    return Loader
