"""Compare the detections of two models on the same images, and put the class-shift inference to the test.

The class-shift experiment shifts the class rows of each level, or of each slot, by another amount, and infers
where a detection comes from by the change of its class. Here that inference is scored against what the
address states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from headlab.comparison.inference import ShiftInference
from headlab.comparison.matching import KINDS, MATCH_IOU, Matcher, check_match_iou
from headlab.errors import InputError
from headlab.heads.layout import Layout
from headlab.plain_text import counted
from headlab.results.progress import Progress, with_progress
from headlab.results.result import Result
from headlab.trace.image import Skipped, TracedImage
from headlab.trace.stream import image_count
from headlab.trace.trace import Trace, TraceStream, collected

if TYPE_CHECKING:
    import polars as pl
    from PIL import Image
    from rich.console import RenderableType

    from headlab.results.pictures.picture import Picture

MOST_PICTURES = 6
"""A plot shows no more images than this."""


@dataclass(frozen=True, repr=False, eq=False)
class ComparedImage(Result):
    """One image or video frame with the detections of both models.

    Attributes:
        before: with the first model's detections.
        after: with the second model's.
        pairs: its rows of `Comparison.pairs`.
        models: the two models' files.
        tells_slots: whether a class change may tell the slot, too.
    """

    before: TracedImage
    after: TracedImage
    pairs: pl.DataFrame
    models: tuple[str, str]
    tells_slots: bool = False

    title: ClassVar[str] = "compared image"
    plot_suffixes: ClassVar[tuple[str, ...]] = (".png",)

    @property
    def path(self) -> str:
        """The file, as the user named it; an image given as an array has a name instead."""
        return self.before.path

    @property
    def frame(self) -> int | None:
        """The number of the video frame, from 0; None for an image."""
        return self.before.frame

    @property
    def name(self) -> str:
        """The path, with the number of a video's frame."""
        return self.before.name

    @property
    def table(self) -> pl.DataFrame:
        """The pairs."""
        return self.pairs

    def __len__(self) -> int:
        """The number of pairs and unmatched detections."""
        return self.pairs.height

    @property
    def counts(self) -> dict[str, int]:
        """How many detections are of each kind."""
        return kind_counts(self.pairs)

    @property
    def summary(self) -> str:
        """How many detections are of each kind."""
        return f"{self.name}, {_listed(self.counts)}"

    def draw(self, titles: tuple[str, str] | None = None) -> Picture:
        """Both models' detections side by side, and notes on what could not be drawn.

        Args:
            titles: what to write above the two; by default the models' names.

        Raises:
            SourceError: the image has to be read again, and cannot be.
        """
        from headlab.comparison.picture import side_by_side

        first, second = (Path(model).name for model in self.models)
        strides = (self.before.layout.stride_by_level, self.after.layout.stride_by_level)
        return side_by_side(
            self.before.image_bgr,
            self.before.detections,
            self.after.detections,
            strides,
            titles or (f"before: {first}", f"after: {second}"),
            constant_size=self.frame is not None,
        )

    def plot(self) -> Image.Image:
        """The first model's detections on the left, the second's on the right.

        Raises:
            SourceError: the image has to be read again, and cannot be.
        """
        return self.draw().image

    def to_dict(self) -> dict[str, Any]:
        """Counts and pairs."""
        return {
            "image": self.path,
            "frame": self.frame,
            "counts": self.counts,
            "pairs": self.pairs.to_dicts(),
        }

    def text(self) -> Iterable[RenderableType]:
        """See `Result.text`."""
        from headlab.comparison.text import image_text

        return image_text(self)

    def html(self) -> str:
        """The pairs, the first ones of many."""
        from headlab.comparison.html import pairs_html

        slots = (self.before.layout.has_slots, self.after.layout.has_slots)
        return pairs_html(self.pairs, slots, self.summary)


@dataclass(frozen=True, repr=False, eq=False)
class Comparison(Result):
    """The detections of two models, matched by box; also a sequence of the images, each a `ComparedImage`.

    Attributes:
        before: the first model's trace.
        after: the second model's trace.
        shifts: the cyclic shift of class rows that made the second model, by level ("P5") or place
            ("P5/2"), if it is known.
        pairs: one row per matched pair or unmatched detection: `image`, `frame`, `kind` (one of
            `KINDS`), `iou` (null if unmatched), the box `x1 y1 x2 y2` (the first model's if it has one),
            then `before_…` and `after_…` with `detection class_id class_name score level row col slot`.
            With `shifts` also `inferred_level`: the level that the class change points to (several are
            joined by "/"; null where there is no pair or no level has such a shift), `inferred_slot`: the
            one slot that it points to (null unless slots of a level were shifted differently), and
            `agrees`: whether that is what the address of the first model's detection states: the one
            level, and where slots were shifted differently the one slot too.
    """

    before: Trace
    after: Trace
    shifts: Mapping[str, int] | None
    pairs: pl.DataFrame

    title: ClassVar[str] = "compared detections"
    plot_suffixes: ClassVar[tuple[str, ...]] = (".png",)

    @property
    def table(self) -> pl.DataFrame:
        """The pairs."""
        return self.pairs

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """The sources that could not be read."""
        return self.before.skipped

    @property
    def summary(self) -> str:
        """How many images there are, and how many detections of each kind."""
        return f"{counted(len(self), 'image')}, {_listed(self.counts)}"

    def __len__(self) -> int:
        """The number of images."""
        return len(self.before)

    def __iter__(self) -> Iterator[ComparedImage]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, number: int) -> ComparedImage:
        """An image by its number; those from the end are negative."""
        before = self.before[number]
        pairs = self._by_image.get((before.path, before.frame), self.pairs.clear())
        models = (self.before.model, self.after.model)
        return ComparedImage(before, self.after[number], pairs, models, self.tells_slots)

    @cached_property
    def _by_image(self) -> dict[tuple[Any, ...], pl.DataFrame]:
        return self.pairs.partition_by(["image", "frame"], as_dict=True, maintain_order=True)

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many detections are of each kind."""
        return kind_counts(self.pairs)

    @cached_property
    def inference(self) -> tuple[int, int]:
        """How many matched pairs the class-shift inference gets right, and of how many.

        Raises:
            InputError: it is not known which shifts made the second model.
        """
        if self.shifts is None:
            raise InputError("The shifts that made the second model are not known.")
        agrees = self.pairs["agrees"].drop_nulls()
        return int(agrees.sum()), len(agrees)

    @cached_property
    def tells_slots(self) -> bool:
        """Whether slots of a level were shifted differently, so that a class change may tell the slot."""
        shifts = self.shifts
        return shifts is not None and ShiftInference(self.before.layout, shifts).tells_slots

    @cached_property
    def left_open(self) -> int:
        """How many class changes point to several levels, or slots, of equal shift; needs `shifts`."""
        inferred = self.pairs.filter(self.pairs["inferred_level"].is_not_null())
        if self.tells_slots:
            return inferred["inferred_slot"].null_count()
        several = inferred["inferred_level"].str.contains("/", literal=True)
        return inferred.filter(several).height

    def plot(self) -> Image.Image:
        """Both models' detections side by side, on the first images, one below the other.

        For a picture of one image in full size: `comparison[0].plot()`.

        Raises:
            SourceError: an image has to be read again, and cannot be.
        """
        from headlab.trace.sheet import TILE_PX, sheet

        if len(self) == 1:
            return self[0].plot()
        shown = [self[at] for at in range(min(len(self), MOST_PICTURES))]
        return sheet(
            [(Path(image.name).name, image.plot()) for image in shown],
            columns=1,
            tile_px=2 * TILE_PX,
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything as one JSON document; docs/comparing.md describes its keys."""
        inference = None
        if self.shifts is not None:
            right, of = self.inference
            inference = {"shifts": dict(self.shifts), "right": right, "pairs": of}
        return {
            "before": self.before.model,
            "after": self.after.model,
            "settings": asdict(self.before.settings),
            "counts": self.counts,
            "inference": inference,
            "images": self.before.images.drop("detections").to_dicts(),
            "pairs": self.pairs.to_dicts(),
            "skipped": [asdict(source) for source in self.skipped],
        }

    def text(self) -> Iterable[RenderableType]:
        """See `Result.text`."""
        from headlab.comparison.text import comparison_text

        return comparison_text(self)

    def html(self) -> str:
        """The pairs, the first ones of many."""
        from headlab.comparison.html import comparison_html

        return comparison_html(self)


def kind_counts(pairs: pl.DataFrame) -> dict[str, int]:
    """How many rows are of each kind."""
    kinds = pairs["kind"].to_list()
    return {kind: kinds.count(kind) for kind in KINDS}


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())


def matcher(
    before: Layout,
    after: Layout,
    *,
    shifts: Mapping[str, int] | None = None,
    classes: Iterable[str] | None = None,
    match_iou: float = MATCH_IOU,
) -> Matcher:
    """What matches the detections of two models.

    Args:
        before: the first model's head.
        after: the second model's head.
        shifts: level ("P5") or place ("P5/2") -> cyclic shift of its class rows, if that is how the
            second model was made.
        classes: keep only pairs of which the first model's class (of new detections: the second's) is
            named here.
        match_iou: boxes that overlap less are not matched.

    Raises:
        InputError: the shifts name another head's levels or cannot have made a model of other classes, or
            `match_iou` is not between 0 and 1.
    """
    check_match_iou(match_iou)
    inference = None if shifts is None else _inference(before, after, shifts)
    return Matcher(match_iou, inference, None if classes is None else frozenset(classes))


def _inference(before: Layout, after: Layout, shifts: Mapping[str, int]) -> ShiftInference:
    if before.class_names != after.class_names:
        raise InputError(
            "The two models have different classes, so shifts of class rows did not make the second one.",
            "Leave the recipe out to match the detections only.",
        )
    return ShiftInference(before, shifts)


def compare(
    before: Trace,
    after: Trace,
    *,
    shifts: Mapping[str, int] | None = None,
    classes: Iterable[str] | None = None,
    match_iou: float = MATCH_IOU,
) -> Comparison:
    """Match the detections of two traces over the same images.

    Args: as of `matcher`, with traces instead of heads.

    Raises:
        InputError: the traces are of different images, or as `matcher`.
    """
    match = matcher(
        before.layout, after.layout, shifts=shifts, classes=classes, match_iou=match_iou
    )
    keys = ["image", "frame"]
    if not before.images.select(keys).equals(after.images.select(keys)):
        raise InputError("The two traces are not over the same images.")
    pairs = [match(*images) for images in zip(before, after, strict=True)]
    return _comparison(before, after, shifts, pairs)


def _comparison(
    before: Trace, after: Trace, shifts: Mapping[str, int] | None, pairs: list[pl.DataFrame]
) -> Comparison:
    import polars as pl

    return Comparison(before, after, shifts, pl.concat(pairs))


class ComparisonStream(Iterator[ComparedImage]):
    """Compared images one by one, as `headlab.compare(…, stream=True)` gives them.

    Both models detect on each image in turn. Memory stays that of one image, if the images are not kept.
    Sources that cannot be read are left out, and are listed in `skipped`.

    Args:
        before: traces the sources with the first model.
        after: traces the same sources with the second model.
        shifts: as of `matcher`, as are the next two.
        classes: names of classes.
        match_iou: the least overlap of a match.
        progress: called after each image.

    Attributes:
        sources: the images and videos, in their order.
        paths: the files among them.
        remarks: what was assumed about what the user named, in sentences.
        skipped: the sources that could not be read so far.

    Raises: as `matcher`.
    """

    def __init__(
        self,
        before: TraceStream,
        after: TraceStream,
        *,
        shifts: Mapping[str, int] | None = None,
        classes: Iterable[str] | None = None,
        match_iou: float = MATCH_IOU,
        progress: Progress | None = None,
    ) -> None:
        self.sources = before.sources
        self.paths = before.paths
        self.remarks = before.remarks
        self.settings = before.settings
        self.skipped: list[Skipped] = []
        self._streams = before, after
        self._models = before.model, after.model
        self._shifts = shifts
        self._match = matcher(
            before.layout, after.layout, shifts=shifts, classes=classes, match_iou=match_iou
        )
        self._steps = with_progress(
            zip(before.steps, after.steps, strict=True),
            progress,
            lambda: image_count(self.sources, self.settings.vid_stride),
        )

    def __next__(self) -> ComparedImage:
        for before, after in self._steps:
            if isinstance(before, Skipped):
                self.skipped.append(before)
            elif isinstance(after, Skipped):
                self.skipped.append(after)
            else:
                pairs = self._match(before, after)
                return ComparedImage(before, after, pairs, self._models, self._match.tells_slots)
        raise StopIteration

    def collect(self, on_image: Callable[[ComparedImage], object] | None = None) -> Comparison:
        """All images that are still to come, as one result; their pixels are not kept.

        Args:
            on_image: called with each image before its pixels are dropped, to show it or to save it.

        Raises:
            SourceError: none of the sources could be read.
        """
        before, after, pairs = [], [], []
        for image in self:
            if on_image is not None:
                on_image(image)
            before.append(image.before.without_pixels())
            after.append(image.after.without_pixels())
            pairs.append(image.pairs)
        first, second = self._streams
        return _comparison(
            collected(first, before, self.skipped),
            collected(second, after, self.skipped),
            self._shifts,
            pairs,
        )
