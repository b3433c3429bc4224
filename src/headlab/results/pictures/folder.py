"""Save drawn pictures and videos in a folder, under names that never collide."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from headlab.files.atomic import write_bytes
from headlab.files.folder import make_folder
from headlab.results.pictures.video import VideoWriter

if TYPE_CHECKING:
    from PIL import Image

    from headlab.results.pictures.picture import Picture

_JPEG_SUFFIXES = {".jpg", ".jpeg"}
_JPEG_QUALITY = 92


class PictureFolder:
    """A folder that drawn pictures are saved to, one per image and one video per video.

    With the mark "trace" `dog.jpg` becomes `dog_trace.jpg`, and a second `dog.jpg` from another folder
    `dog_trace_2.jpg`; what is neither JPEG nor a video becomes PNG, which loses nothing. No source is
    ever overwritten.

    Args:
        folder: where to save; made if it does not exist.
        sources: the files of the run.
        mark: put behind the sources' names.
        vid_stride: every how many frames of a video are traced.

    Raises:
        OutputError: the folder cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        sources: Sequence[Path],
        mark: str,
        vid_stride: int = 1,
    ) -> None:
        self._made = not folder.exists()
        make_folder(folder, "Give --save another folder.")
        self.folder = folder
        self.saved: list[Path] = []
        self.notes: Counter[str] = Counter()
        self._mark = mark
        self._vid_stride = vid_stride
        self._taken = {_key(source.resolve()) for source in sources}
        self._video: VideoWriter | None = None

    def __enter__(self) -> PictureFolder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trail: TracebackType | None,
    ) -> None:
        self._end_video(keep=kind is None)
        if self._made and not self.saved:
            with contextlib.suppress(OSError):
                self.folder.rmdir()

    def add(self, path: str, frame: int | None, picture: Picture) -> None:
        """Save what was drawn on an image, or on the next frame of a video.

        Args:
            path: the source.
            frame: the frame's number; None for an image.
            picture: what was drawn.

        Raises:
            OutputError: the picture cannot be written.
        """
        source = Path(path)
        self.notes.update(picture.notes)
        if frame is None:
            self._end_video()
            self._save_picture(source, picture.image)
            return
        if self._video is None or self._video.source != source:
            self._end_video()
            target = self._free_name(source.stem, ".mp4")
            self._video = VideoWriter(target, source, picture.image.size, self._vid_stride)
        self._video.add(picture.image)

    def told(self) -> Iterator[str]:
        """What was left out of pictures, and how many were saved, in words."""
        for note, count in self.notes.items():
            yield f"{note} ({count} pictures)" if count > 1 else note
        noun = "picture" if len(self.saved) == 1 else "pictures"
        yield f"saved {len(self.saved)} {noun} in {self.folder}"

    def _save_picture(self, source: Path, image: Image.Image) -> None:
        jpeg = source.suffix.lower() in _JPEG_SUFFIXES
        target = self._free_name(source.stem, source.suffix if jpeg else ".png")
        encoded = io.BytesIO()
        if jpeg:
            image.save(encoded, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
        else:
            image.save(encoded, "PNG", compress_level=3)
        write_bytes(target, encoded.getvalue())
        self.saved.append(target)

    def _end_video(self, keep: bool = True) -> None:
        if self._video is not None:
            self._video.close(keep)
            if keep:
                self.saved.append(self._video.target)
            self._video = None

    def _free_name(self, stem: str, suffix: str) -> Path:
        """The first name that no source and no earlier picture of this run has."""
        number = 1
        while True:
            count = "" if number == 1 else f"_{number}"
            path = self.folder / f"{stem}_{self._mark}{count}{suffix}"
            if _key(path.resolve()) not in self._taken:
                self._taken.add(_key(path.resolve()))
                return path
            number += 1


def _key(path: Path) -> str:
    """What makes two paths the same file, also where letter case does not count."""
    return str(path).casefold()
