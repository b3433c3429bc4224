"""The tour of `headlab demo`: draw scenes, shift a model's class rows, trace and compare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from PIL import Image

from headlab.checkpoint.yolov3.companion_files import stem
from headlab.comparison.compare import Comparison
from headlab.demo.places import shift_words, shifts_by_place
from headlab.demo.scenes import draw_scene
from headlab.edit.operations import Shift
from headlab.errors import InputError, SourceError
from headlab.files.atomic import write_bytes
from headlab.files.folder import make_folder
from headlab.heads.layout import Layout
from headlab.model import Model, compare, load
from headlab.results.plotting import save_drawing
from headlab.results.progress import Progress
from headlab.results.result import Result

if TYPE_CHECKING:
    import polars as pl
    from rich.console import RenderableType

FOLDER = "demo-out"
_ANOTHER_FOLDER = "Give another with -o."


@dataclass(frozen=True, repr=False)
class Tour(Result):
    """What the tour made.

    Attributes:
        folder: where everything lies.
        images: what was detected on.
        model: the detector; the embedded one is read from its copy `demo.pt`.
        shifts: the cyclic shift of the class rows by place, such as "P5", or "P5/2" where cells have slots.
        shifted: the detector with shifted class rows, as a file.
        comparison: of the detections of both models.
        pictures: the folder with the pictures of both, side by side.
    """

    folder: Path
    images: tuple[Path, ...]
    model: Model
    shifts: dict[str, int]
    shifted: Path
    comparison: Comparison
    pictures: Path

    title: ClassVar[str] = "tour"

    @property
    def table(self) -> pl.DataFrame:
        """The pairs of detections before and after the shift."""
        return self.comparison.pairs

    def to_dict(self) -> dict[str, Any]:
        """The files, the shifts, and the comparison."""
        return {
            "folder": str(self.folder),
            "model": str(self.model.path),
            "shifted": str(self.shifted),
            "shifts": self.shifts,
            "pictures": str(self.pictures),
            "comparison": self.comparison.to_dict(),
        }

    def text(self) -> Iterable[RenderableType]:
        """See `Result.text`."""
        from headlab.demo.text import tour_text

        return tour_text(self)


def tour(
    model: str | Path | Model | None = None,
    sources: str | Path | Sequence[str | Path] = (),
    *,
    output: str | Path = FOLDER,
    scenes: int = 6,
    seed: int = 0,
    progress: Progress | None = None,
) -> Tour:
    """Shift a model's class rows, compare its detections before and after, and save pictures of both.

    Args:
        model: a model of yours, of any family; by default the embedded detector.
        sources: images, folders or patterns for it; by default scenes are drawn.
        output: the folder for scenes, pictures and both models.
        scenes: how many scenes to draw.
        seed: of the first scene.
        progress: called after each image with how many are done, and of how many.

    Raises:
        InputError: only one of `model` and `sources` is given, the model has too few classes, or no image
            can be read.
        OutputError: the folder cannot be made or written.
    """
    folder = Path(output)
    if (model is None) != (not sources):
        raise InputError(
            "A model and sources go together: a model of yours, and photos for it.",
            "Leave both out for the embedded detector and drawn scenes.",
        )
    if model is None:
        images = draw_scenes(folder / "scenes", scenes, seed)
        return _taken(saved_model(folder), images, folder, progress)
    loaded = model if isinstance(model, Model) else load(model)
    return _taken(loaded, _stills(sources), folder, progress)


def _stills(sources: str | Path | Sequence[str | Path]) -> tuple[Path, ...]:
    from headlab.detect.sources import expand

    images = tuple(source.path for source in expand(sources) if source.path and not source.is_video)
    if not images:
        raise SourceError("The demo works on images; only videos were named.", "Name a photo.")
    return images


def _taken(model: Model, images: Sequence[Path], folder: Path, progress: Progress | None) -> Tour:
    shifts = shifts_by_place(model.layout)
    edited = model.edit(*(Shift(levels=(name,), by=by) for name, by in shifts.items() if by))
    make_folder(folder, _ANOTHER_FOLDER)
    target = folder / f"shifted{model.path.name.removeprefix(stem(model.path))}"
    saved = edited.save(target, force=True)  # of an earlier tour
    comparison = compare(model, edited, images, progress=progress)
    pictures = _save_pictures(comparison, images, model.layout, shifts, folder / "pictures")
    return Tour(folder, tuple(images), model, shifts, saved.output, comparison, pictures)


def _save_pictures(
    comparison: Comparison,
    images: Sequence[Path],
    layout: Layout,
    shifts: dict[str, int],
    target: Path,
) -> Path:
    """Both models' detections side by side, for each image; returns the folder."""
    import polars as pl

    from headlab.comparison.picture import side_by_side
    from headlab.detect.photos import read_bgr
    from headlab.results.pictures.folder import PictureFolder

    titles = ("before", f"after: class rows shifted ({shift_words(shifts)})")
    strides = layout.stride_by_level
    with PictureFolder(target, images, "compare") as folder:
        for path in comparison.before.images["image"]:
            before, after = (
                side.detections.filter(pl.col("image") == path)
                for side in (comparison.before, comparison.after)
            )
            picture = side_by_side(read_bgr(path), before, after, (strides, strides), titles)
            folder.add(path, None, picture)
    return folder.folder


def model_bytes() -> bytes:
    """The file of the detector that headlab ships with: three kinds of blood cells."""
    return (files("headlab.demo") / "demo.pt").read_bytes()


def saved_model(folder: Path) -> Model:
    """The detector, read from a copy in the folder: a file with a short path to go on with.

    Raises:
        OutputError: the copy cannot be written.
    """
    path = folder / "demo.pt"
    write_bytes(path, model_bytes())
    return load(path)


def draw_scenes(folder: Path, count: int, first_seed: int) -> tuple[Path, ...]:
    """Draw scenes and save them as PNG.

    Raises:
        OutputError: the folder cannot be made or written.
    """
    return tuple(_saved_scenes(folder, count, first_seed))


def _saved_scenes(folder: Path, count: int, first_seed: int) -> Iterator[Path]:
    make_folder(folder, _ANOTHER_FOLDER)
    for seed in range(first_seed, first_seed + count):
        path = folder / f"scene_{seed:04d}.png"
        save_drawing(Image.fromarray(draw_scene(seed).image), path)
        yield path
