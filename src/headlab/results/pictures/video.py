"""Write drawn frames as a video."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from headlab.errors import OutputError
from headlab.files.atomic import TEMPORARY_SUFFIX, explained, hidden_file, move_into_place
from headlab.files.path_text import path_of
from headlab.results.pictures.margin import PAPER

_CODEC = "mp4v"
_USUAL_FPS = 25.0


class VideoWriter:
    """An MP4 that appears under its name only when it is complete.

    Args:
        target: the file to write.
        source: the video that the frames come from; its frame rate is kept.
        size_wh: width and height of every frame.
        vid_stride: every how many frames of the source are written.

    Raises:
        OutputError: the file cannot be written.
    """

    def __init__(
        self, target: Path, source: Path, size_wh: tuple[int, int], vid_stride: int = 1
    ) -> None:
        self.target = target
        self.source = source
        self._size_wh = size_wh
        try:
            handle, self._temporary = hidden_file(target, f"{TEMPORARY_SUFFIX}.mp4")
        except OSError as error:
            raise explained(error, target) from error
        os.close(handle)  # OpenCV writes to a path, not to a file
        codec = cv2.VideoWriter.fourcc(*_CODEC)
        fps = _frames_per_second(source) / vid_stride
        self._writer = cv2.VideoWriter(str(self._temporary), codec, fps, size_wh)
        if not self._writer.isOpened():
            self._temporary.unlink(missing_ok=True)
            raise OutputError(
                f"{target}: the video cannot be written.",
                "The folder is read-only or full, or OpenCV was built without an MP4 encoder.",
            )

    def add(self, frame: Image.Image) -> None:
        """Append an RGB frame; one of another size is cut off, or filled up with paper."""
        if frame.size != self._size_wh:
            sheet = Image.new("RGB", self._size_wh, PAPER)
            sheet.paste(frame, (0, 0))
            frame = sheet
        self._writer.write(np.ascontiguousarray(np.asarray(frame)[:, :, ::-1]))

    def close(self, keep: bool = True) -> None:
        """Finish the file and give it its name; or, if it is not to be kept, remove it.

        Raises:
            OutputError: the file cannot be put in its place.
        """
        self._writer.release()
        try:
            if keep:
                move_into_place(self._temporary, self.target)
        finally:
            self._temporary.unlink(missing_ok=True)


def _frames_per_second(source: Path) -> float:
    video = cv2.VideoCapture(path_of(str(source)))
    try:
        fps = float(video.get(cv2.CAP_PROP_FPS))
    finally:
        video.release()
    return fps if np.isfinite(fps) and 0 < fps <= 1000 else _USUAL_FPS


def frame_count(source: Path) -> int:
    """The number of frames that a video says it has; 0 if it does not say."""
    video = cv2.VideoCapture(path_of(str(source)))
    try:
        return max(int(video.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
    finally:
        video.release()
