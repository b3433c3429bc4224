"""Expand what the user names (images, folders, globs, videos, arrays) into single images and videos."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from headlab.errors import SourceError
from headlab.extras import ultralytics
from headlab.files.existing import exists, is_file, is_folder
from headlab.files.path_text import path_of, path_text
from headlab.files.walking import folders_within, matching
from headlab.files.web_address import web_address
from headlab.plain_text import counted, first_few

if TYPE_CHECKING:
    from PIL.Image import Image

OneSource: TypeAlias = Union[str, Path, NDArray[Any], "Image"]
"""A file, a folder, a pattern such as "photos/*.jpg", a video, or an image in memory: a PIL image, or pixels
as ultralytics takes them, uint8 of shape (H, W, 3), blue first, or (H, W) for a grey image."""

Sources: TypeAlias = OneSource | Sequence[OneSource]


@dataclass(frozen=True, eq=False)
class Source:
    """An image or a video to detect on.

    Attributes:
        name: what results call it: the file as the user named it, or "image0.jpg" for the first image if it
            is in memory, as ultralytics calls it.
        path: the file; None for an image in memory.
        image: the image in memory; None for a file.
        is_video: whether it is a video.
    """

    name: str
    path: Path | None = None
    image: NDArray[Any] | Image | None = None
    is_video: bool = False

    @classmethod
    def of_file(cls, path: Path) -> Source:
        """A file that is an image or a video by its name."""
        real = Path(path_of(str(path)))
        return cls(path_text(path), real, is_video=is_video(path))


class Expanded(list[Source]):
    """The images and videos that sources stand for.

    Attributes:
        remarks: what was assumed, in sentences.
    """

    def __init__(self, sources: Iterable[Source], remarks: Iterable[str] = ()) -> None:
        super().__init__(sources)
        self.remarks = tuple(remarks)


def expand(sources: Sources) -> Expanded:
    """The images and videos that sources stand for, files without repeats.

    A source is a file, a folder, a glob pattern, or an image in memory. A folder stands for the images and
    videos in it; if there are none, for those in the folders inside, which a remark says. Images in memory
    come first, in the given order; then the image files, then the videos, both sorted by path, as
    ultralytics sorts them.

    A PIL image is called after its file if it has one, any other "image" with its place in the list, from 0.

    Raises:
        SourceError: a source does not exist, is of an unknown kind, or there is no image or video among them.
    """
    given = _listed_sources(sources)
    for source in given:
        if isinstance(source, (str, Path)):
            _check_is_there(str(source))  # before ultralytics is imported, which takes seconds
    formats = ultralytics("data.utils")
    suffixes = formats.IMG_FORMATS | formats.VID_FORMATS
    paths: set[Path] = set()
    remarks: list[str] = []
    in_memory: list[tuple[int, Any]] = []
    for place, source in enumerate(given):
        if isinstance(source, (str, Path)):
            paths.update(_files(str(source), suffixes, remarks))
        else:
            _check_image(source, place)
            in_memory.append((place, source))
    if not paths and not in_memory:
        raise SourceError(
            f"No image or video among: {', '.join(map(str, given)) or 'nothing'}"
            f"{_LOOKED_DEEPER if any(is_folder(str(source)) for source in given) else ''}.",
            f"Image formats: {_listed(formats.IMG_FORMATS)}. Video formats: {_listed(formats.VID_FORMATS)}.",
        )
    files = [Source.of_file(path) for path in sorted(paths, key=str)]
    images = [file for file in files if not file.is_video]
    videos = [file for file in files if file.is_video]
    return Expanded([*_named(in_memory, files), *images, *videos], remarks)


def is_video(path: Path) -> bool:
    """Whether a file's name is that of a video."""
    formats: set[str] = ultralytics("data.utils").VID_FORMATS
    return path.suffix[1:].lower() in formats


def _listed_sources(sources: Any) -> list[Any]:
    several = isinstance(sources, Iterable) and not isinstance(sources, (str, Path, np.ndarray))
    return list(sources) if several else [sources]


def _check_image(source: Any, place: int) -> None:
    """Refuse what is no image in memory.

    Raises:
        SourceError: it is none.
    """
    from PIL.Image import Image

    if isinstance(source, Image):
        return
    if not isinstance(source, np.ndarray):
        raise SourceError(
            f"Source {place} is of type {type(source).__name__}.",
            "Give a file, folder or pattern, a NumPy array of pixels, or a PIL image.",
        )
    if source.dtype != np.uint8 or source.ndim not in (2, 3) or not source.size:
        raise SourceError(
            f"Source {place} is an array of {source.dtype}, shape {source.shape}.",
            "Give one image: uint8, shape (height, width, 3), blue first. Images of a batch go into a list.",
        )


def _named(in_memory: Sequence[tuple[int, Any]], files: Sequence[Source]) -> Iterator[Source]:
    """Images in memory, each under a name of its own."""
    taken = {file.name for file in files}
    for place, image in in_memory:
        name = getattr(image, "filename", "")
        if not name or name in taken:
            name = f"image{place}.jpg"
        taken.add(name)
        yield Source(str(name), image=image)


def _files(source: str, suffixes: Container[str], remarks: list[str]) -> list[Path]:
    path = Path(source)
    if path.is_dir():
        return _in_folder(source, suffixes, remarks)
    if path.is_file():
        if not _is_wanted(path, suffixes):
            raise _no_photo(path)
        return [path]
    return [file for file in map(Path, matching(source)) if _is_wanted(file, suffixes)]


def _in_folder(folder: str, suffixes: Container[str], remarks: list[str]) -> list[Path]:
    """The images and videos in a folder; if there are none, those in the folders inside."""
    found: dict[str, list[Path]] = {}
    for inner in folders_within(folder):
        files = [file for file in Path(inner).iterdir() if _is_wanted(file, suffixes)]
        if files:
            found[inner] = files
        if inner == folder and files:
            return files
    if found:
        total = counted(sum(map(len, found.values())), "file")
        listed = first_few(f"{len(files):,} in {inner}" for inner, files in found.items())
        remarks.append(
            f"{folder} has no image or video itself; took {total} from the folders inside: {listed}"
        )
    return [file for files in found.values() for file in files]


def _is_wanted(file: Path, suffixes: Container[str]) -> bool:
    return file.suffix[1:].lower() in suffixes and file.is_file()


_LOOKED_DEEPER = ", nor in the folders inside"
_FORMATS_OF_MODELS = (".pt", ".weights", ".h5", ".safetensors")


def _no_photo(path: Path) -> SourceError:
    """What to say of a file that is neither an image nor a video."""
    message = f"{path}: not an image or a video, by its name."
    if path.suffix.lower() in _FORMATS_OF_MODELS:
        return SourceError(message, "The model comes first, then the photos: MODEL SOURCE...")
    formats = ultralytics("data.utils")
    return SourceError(message, f"Supported: {_listed(formats.IMG_FORMATS | formats.VID_FORMATS)}.")


def _check_is_there(source: str) -> None:
    """Refuse what is neither a file, nor a folder, nor a pattern.

    Raises:
        SourceError: it is an address on the network, a camera, a device, or nothing.
    """
    address = web_address(source)
    if address is not None:
        raise SourceError(
            f"{address}: headlab reads files only, and nothing from the network.",
            "Download or record it first, and give the file.",
        )
    if is_file(source) or is_folder(source):
        return
    if exists(source):
        raise SourceError(
            f"{source} is a device or a pipe, not a file.", "Give the path of a file or folder."
        )
    if source.isdecimal():
        raise SourceError(
            f"{source}: headlab reads files only, and no cameras.",
            "Record a video first, and give the file.",
        )
    if not any(sign in source for sign in "*?["):
        raise SourceError(
            f"{source}: no such file or folder.",
            "Name an image, a video, a folder of them, or a pattern such as 'photos/*.jpg'.",
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
