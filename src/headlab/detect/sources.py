"""Expand what the user names (images, folders, globs, videos) into files."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from pathlib import Path

from headlab.detect.offline import ultralytics
from headlab.errors import SourceError


def expand(sources: str | Path | Sequence[str | Path]) -> list[Path]:
    """The image and video files that sources name, without repeats, images before videos.

    A source is a file, a folder (its images and videos, not those of folders inside), or a glob
    pattern. Images and videos are sorted by path, as ultralytics sorts them.

    Raises:
        SourceError: a source does not exist, or there is no image or video among them.
    """
    named = [sources] if isinstance(sources, (str, Path)) else list(sources)
    formats = ultralytics("data.utils")
    found: list[Path] = []
    for source in named:
        found.extend(_files(str(source), formats.IMG_FORMATS | formats.VID_FORMATS))
    unique = sorted(set(found), key=str)
    if not unique:
        raise SourceError(
            f"No image or video among: {', '.join(str(each) for each in named) or 'nothing'}.",
            f"Image formats: {_listed(formats.IMG_FORMATS)}. Video formats: {_listed(formats.VID_FORMATS)}.",
        )
    images = [path for path in unique if not is_video(path)]
    return images + [path for path in unique if is_video(path)]


def is_video(path: Path) -> bool:
    """Whether a file's name is that of a video."""
    formats: set[str] = ultralytics("data.utils").VID_FORMATS
    return path.suffix[1:].lower() in formats


def _files(source: str, suffixes: Iterable[str]) -> list[Path]:
    path = Path(source)
    if path.is_file():
        if path.suffix[1:].lower() not in suffixes:
            raise SourceError(
                f"{source}: not an image or a video, by its name.",
                f"Supported: {_listed(suffixes)}.",
            )
        return [path]
    if path.is_dir():
        inside = list(path.iterdir())
    elif any(sign in source for sign in "*?["):
        inside = [Path(name) for name in glob.glob(source, recursive=True)]  # noqa: PTH207
    else:
        raise SourceError(
            f"{source}: no such file or folder.",
            "Name an image, a video, a folder of them, or a pattern such as 'photos/*.jpg'.",
        )
    return [each for each in inside if each.is_file() and each.suffix[1:].lower() in suffixes]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
