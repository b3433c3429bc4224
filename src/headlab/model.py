"""The Python interface: load a model, look at its head, edit, save, trace, evaluate, compare two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from headlab.checkpoint.checkpoint import Checkpoint
from headlab.checkpoint.yolov3.companion_files import CompanionFiles
from headlab.edit.operations import Operation
from headlab.edit.plan import Plan, plan
from headlab.edit.recipe import Recipe
from headlab.errors import InputError
from headlab.families.identify import identify
from headlab.families.read import check_harmless, read
from headlab.families.table import family_of
from headlab.heads.layout import Layout

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from headlab.boxes.formats.format import FormatName
    from headlab.boxes.table import BoxTable
    from headlab.comparison.compare import Comparison, ComparisonStream
    from headlab.detect.detector import Runnable
    from headlab.detect.settings import DetectionSettings
    from headlab.detect.sources import Sources
    from headlab.differences.differences import Differences
    from headlab.edit.undo import Restored
    from headlab.edit.write import Saved
    from headlab.evaluate.evaluation import Evaluation
    from headlab.evaluate.settings import EvaluationSettings
    from headlab.inspection.inspection import Inspection
    from headlab.results.progress import Progress
    from headlab.trace.trace import Trace, TraceStream

Edits = Operation | Mapping[str, Any] | Recipe | Plan | str | Path
Classes = str | int | Iterable[str | int]
"""Classes to look at: names or numbers, or one of them."""


class Model:
    """A detector's checkpoint with its head described; `headlab.load` makes one.

    A model is never changed: `edit` returns a new one, and the file stays as it is until `save`.

    Attributes:
        checkpoint: the tensors and metadata.
        recipes: the edits applied since the file was read, in order.
    """

    def __init__(self, checkpoint: Checkpoint, recipes: tuple[Recipe, ...] = ()) -> None:
        self.checkpoint = checkpoint
        self.recipes = recipes

    @property
    def path(self) -> Path:
        """The file it was read from."""
        return self.checkpoint.path

    @cached_property
    def layout(self) -> Layout:
        """The description of the head: levels, class rows, class names."""
        return identify(self.checkpoint)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The class names, by class number."""
        return self.layout.class_names

    @cached_property
    def network(self) -> Any:
        """The network with this model's tensors, in float32; ultralytics builds all but YOLOv3's.

        Raises:
            CheckpointError: the file contradicts itself, or holds weights that are not finite.
        """
        return family_of(self.checkpoint).build(self.checkpoint)

    @cached_property
    def runnable(self) -> Runnable:
        """What `trace` runs: for YOLOv3 a form that is faster, else `network` itself."""
        return family_of(self.checkpoint).runnable(self.checkpoint, lambda: self.network)

    def inspect(
        self,
        *,
        imgsz: int | tuple[int, int] | None = None,
        classes: Iterable[str | int] | None = None,
        params: str | None = None,
        explain: bool = False,
    ) -> Inspection:
        """What the head is made of: levels, grids, class rows and parameters.

        Args:
            imgsz: input size of the grids in pixels, a side or (height, width); by default the model's
                own size, or that of its training.
            classes: class names or numbers whose bias and weight norm to show on each level and slot.
            params: list the parameters whose names match this pattern; "*" lists all.
            explain: also say where the numbers come from.

        Raises:
            InputError: the size is not a multiple of the largest stride, or no parameter matches.
            UnknownName: the model has no such class.
        """
        from headlab.inspection.collect import inspection

        return inspection(
            self.checkpoint,
            self.layout,
            (imgsz, imgsz) if isinstance(imgsz, int) else imgsz,
            tuple(classes or ()),
            params,
            explain=explain,
        )

    def plan(self, *edits: Edits) -> Plan:
        """What `edit` would do, without doing it.

        Args:
            edits: as for `edit`.

        Raises:
            InputError: the recipe contradicts itself or does not fit the model.
        """
        recipe = Recipe(tuple(step for edit in edits for step in _operations(edit)))
        return plan(self.checkpoint, self.layout, recipe)

    def edit(self, *edits: Edits) -> Model:
        """A new model with rewritten class rows.

        Args:
            edits: operations such as `headlab.Shift(levels="P4", by=1)`, mappings such as
                `{"op": "shift", "levels": "P4", "by": 1}`, recipes, plans, or paths of recipe files.
                Together they are one recipe: see docs/editing.md for the order in which operations act.

        Raises:
            InputError: the recipe contradicts itself or does not fit the model.
        """
        from headlab.edit.apply import apply

        planned = self.plan(*edits)
        return Model(apply(self.checkpoint, planned), (*self.recipes, planned.recipe))

    def save(self, path: str | Path, *, in_place: bool = False, force: bool = False) -> Saved:
        """Write the model, and next to it a manifest that says what was done and can undo it.

        Args:
            path: where to write, in the format of the file that was read; ultralytics loads its
                checkpoints as before.
            in_place: allow `path` to be the file that the model was read from.
            force: replace a file that exists.

        Raises:
            OutputError: the file exists, is the input, or cannot be written; nothing was changed.
        """
        from headlab.edit.write import save

        return save(self.checkpoint, Path(path), self.recipes, in_place=in_place, force=force)

    @overload
    def trace(
        self,
        sources: Sources,
        *,
        classes: Classes | None = None,
        stream: Literal[False] = False,
        progress: Progress | None = None,
        **settings: Unpack[DetectionSettings],
    ) -> Trace: ...

    @overload
    def trace(
        self,
        sources: Sources,
        *,
        classes: Classes | None = None,
        stream: Literal[True],
        progress: Progress | None = None,
        **settings: Unpack[DetectionSettings],
    ) -> TraceStream: ...

    def trace(
        self,
        sources: Sources,
        *,
        classes: Classes | None = None,
        stream: bool = False,
        progress: Progress | None = None,
        **settings: Unpack[DetectionSettings],
    ) -> Trace | TraceStream:
        """The detections of `YOLO.predict`, each with its address and support.

        Args:
            sources: images, folders, patterns or videos; also arrays and PIL images.
            classes: class names or numbers to detect; None means all.
            stream: give an iterator of the images instead, which holds one image at a time; its `skipped`
                lists the sources that could not be read, its `collect()` gives the rest as a `Trace`.
            progress: called after each image with how many are done, and of how many (None if a video does
                not say how many frames it has).
            settings: how to detect:
                `conf` (0.25), the least score;
                `iou` (0.7; 0.45 for YOLOv3), the overlap above which NMS merges boxes;
                `imgsz`, the size of the network's input in pixels, one number or (height, width), by default
                the model's own;
                `resize` (YOLOv3 only), "letterbox" or "stretch", by default what the model's .cfg says;
                `max_det` (300), the most detections per image;
                `agnostic_nms`, merge across classes;
                `multi_label` (YOLOv3 only), a candidate counts for every class above `conf`;
                `end2end`, use the branch without NMS where the head has one;
                `device`, such as "cpu" or "cuda:0";
                `vid_stride` (1), take every n-th frame of a video.

        Raises:
            InputError: a setting is wrong, a class is unknown, or no source can be read.
        """
        from headlab.detect.settings import Settings
        from headlab.detect.sources import expand
        from headlab.trace.trace import TraceStream

        found = expand(sources)
        images = TraceStream(
            self.runnable,
            self.layout,
            found,
            Settings(classes=self._class_ids(classes), **settings),
            model=self._called,
            progress=progress,
        )
        return images if stream else images.collect()

    def evaluate(
        self,
        data: str | Path | BoxTable,
        *,
        format: FormatName | None = None,  # noqa: A002 - the natural word for callers
        images: str | Path | None = None,
        names: Sequence[str] | str | Path | None = None,
        split: str | None = None,
        encoding: str | None = None,
        assume_size: tuple[int, int] | None = None,
        without: Sequence[str] = (),
        run: str | Path | None = None,
        progress: Progress | None = None,
        **settings: Unpack[EvaluationSettings],
    ) -> Evaluation:
        """COCO's figures on annotated photos, by class, and by the address of the detections.

        Args:
            data: annotations that `headlab.boxes.read` reads, or a box table, which the next six do not
                change.
            format: as of `headlab.boxes.read`, as are the next five.
            images: the folder with the photos.
            names: the class names of the annotations, or a file of them.
            split: evaluate on this split only.
            encoding: of the annotations' text.
            assume_size: height and width in pixels of photos whose size is unknown.
            without: levels, such as "P5", and slots, such as "P5/2", whose candidates are left out.
            run: a folder in which to store what the network makes of the photos, so that
                `headlab.load_run` can ask more of it later; a run that was stopped goes on.
            progress: called after each photo with how many are done, and of how many.
            settings: how to evaluate:
                `conf` (0.001), the least score;
                `iou` (0.7; 0.45 for YOLOv3), the overlap above which NMS merges boxes;
                `imgsz`, the size of the network's input in pixels, one number or (height, width), by default
                the model's own;
                `resize` (YOLOv3 only), "letterbox" or "stretch", by default what the model's .cfg says;
                `max_det` (300), the most detections per photo;
                `best_class`, a candidate counts for its best class only;
                `end2end`, use the branch without NMS where the head has one;
                `difficult`, Pascal VOC's difficult boxes count like any others;
                `device`, such as "cpu" or "cuda:0".

        Raises:
            InputError: the annotations cannot be read or have no such split, a setting is wrong, or model and
                data have no class in common.
        """
        from headlab.boxes.table import BoxTable
        from headlab.evaluate.annotations import read_annotations
        from headlab.evaluate.evaluation import evaluate
        from headlab.evaluate.settings import Settings

        chosen = Settings(**settings)
        table = data
        if not isinstance(table, BoxTable):
            table = read_annotations(
                table,
                format=format,
                images=images,
                names=names,
                split=split,
                encoding=encoding,
                assume_size=assume_size,
            )
        given = "" if isinstance(data, BoxTable) else str(data)
        if run is not None:
            from headlab.evaluate.stored import evaluate_recorded
            from headlab.runs.header import model_fingerprint

            return evaluate_recorded(
                *(self.runnable, self.layout, table, chosen, Path(run)),
                model=self._called,
                fingerprint=model_fingerprint(self.checkpoint),
                data=given,
                without=without,
                progress=progress,
            )
        return evaluate(
            *(self.runnable, self.layout, table, chosen),
            without=without,
            model=self._called,
            data=given,
            progress=progress,
        )

    @property
    def _called(self) -> str:
        """What results call it: its file, and whether it was edited since."""
        return f"{self.path} (edited)" if self.recipes else str(self.path)

    def _class_ids(self, classes: Classes | None) -> tuple[int, ...] | None:
        """The numbers of classes, each once; None stays None.

        Raises:
            InputError: there is no such class, or several have that name.
        """
        if classes is None:
            return None
        several = [classes] if isinstance(classes, (str, int)) else classes
        return tuple(dict.fromkeys(map(self.layout.class_id, several)))

    def __repr__(self) -> str:
        edits = f", {len(self.recipes)} edit(s)" if self.recipes else ""
        names = " ".join(self.layout.level_names)
        return f"<Model {self.path.name}: {self.layout.head} {names}, {len(self.class_names)} classes{edits}>"

    def _repr_html_(self) -> str:
        from headlab.inspection.html import layout_html

        return layout_html(self.layout)


def load(
    path: str | Path,
    *,
    cfg: str | Path | None = None,
    names: str | Path | None = None,
    anchors: str | Path | None = None,
    strict: bool = False,
) -> Model:
    """Read a model file as data; nothing in it is run.

    Args:
        path: an ultralytics `.pt` file, or a YOLOv3 model: darknet `.weights`, keras-yolo3 `.h5`, or
            headlab's own `.safetensors`.
        cfg: darknet's description of the network; by default found next to the weights.
        names: the class names of YOLOv3 weights, one per line; by default found next to them, too.
        anchors: the anchors of Keras weights; by default found next to them, too.
        strict: refuse a file with calls in it that other programs would run in loading it.

    Raises:
        CheckpointError: the file, or one that belongs next to it, is missing or cannot be read; or it is
            dangerous, and `strict` asks to refuse that.
        UnsupportedHead: its head is of a kind that headlab does not describe.
    """
    model = Model(read(path, CompanionFiles.of(cfg, names, anchors)))
    if strict:
        check_harmless(model.checkpoint)
    _ = model.layout
    return model


def diff(model_a: str | Path | Model, model_b: str | Path | Model) -> Differences:
    """What differs between two models: tensors, class rows, class names, metadata.

    Args:
        model_a: the first model, or its path.
        model_b: the second model, or its path.

    Returns:
        The differences; false if there are none. Compared are the weights that would be loaded, and the
        heads where both can be described.

    Raises:
        CheckpointError: a file is missing or cannot be read.
    """
    from headlab.differences.differences import differences

    first, second = (
        model.checkpoint if isinstance(model, Model) else read(model)
        for model in (model_a, model_b)
    )
    return differences(first, second)


def undo(
    model: str | Path,
    output: str | Path | None = None,
    *,
    in_place: bool = False,
    force: bool = False,
) -> Restored:
    """Write the bytes that a file had before headlab edited it.

    Args:
        model: the edited file, with its manifest next to it.
        output: where to write the original.
        in_place: replace the edited file instead.
        force: replace an output that exists.

    Raises:
        CheckpointError: there is no manifest, it is damaged or does not belong to the file, or the edit
            cannot be undone.
        InputError: neither or both of `output` and `in_place` are given.
        OutputError: the output exists or cannot be written; nothing was changed.
    """
    from headlab.edit.undo import undo as restore

    if in_place == (output is not None):
        raise InputError(
            "Say where to write: either an output, or in place.",
            "With an output, the edited file stays as it is.",
        )
    path = Path(model)
    return restore(path, path if output is None else Path(output), in_place=in_place, force=force)


@overload
def compare(
    model_a: str | Path | Model,
    model_b: str | Path | Model,
    sources: Sources,
    *,
    recipe: Edits | None = None,
    classes: Classes | None = None,
    match_iou: float = 0.5,
    stream: Literal[False] = False,
    progress: Progress | None = None,
    **settings: Unpack[DetectionSettings],
) -> Comparison: ...


@overload
def compare(
    model_a: str | Path | Model,
    model_b: str | Path | Model,
    sources: Sources,
    *,
    recipe: Edits | None = None,
    classes: Classes | None = None,
    match_iou: float = 0.5,
    stream: Literal[True],
    progress: Progress | None = None,
    **settings: Unpack[DetectionSettings],
) -> ComparisonStream: ...


def compare(
    model_a: str | Path | Model,
    model_b: str | Path | Model,
    sources: Sources,
    *,
    recipe: Edits | None = None,
    classes: Classes | None = None,
    match_iou: float = 0.5,
    stream: bool = False,
    progress: Progress | None = None,
    **settings: Unpack[DetectionSettings],
) -> Comparison | ComparisonStream:
    """Match the detections of two models, and score the class-shift inference if it applies.

    Args:
        model_a: the first model, called "before" in the result, or its path.
        model_b: the second model, called "after", or its path.
        sources: images, folders, patterns or videos; also arrays and PIL images.
        recipe: how the second was made from the first, if it was by shifts only; by default it is taken
            from the edit, or from the manifest next to the second file.
        classes: compare only detections of these classes of the first model: names or numbers.
        match_iou: boxes that overlap less are different objects.
        stream: give an iterator of the images instead, which holds one image at a time; its `skipped` lists
            the sources that could not be read, its `collect()` gives the rest as a `Comparison`.
        progress: as of `Model.trace`.
        settings: as of `Model.trace`.

    Raises:
        InputError: a setting is wrong, a class is unknown, no source can be read, or the recipe is not of
            shifts.
    """
    from headlab.comparison.compare import ComparisonStream
    from headlab.comparison.matching import check_match_iou
    from headlab.detect.settings import Settings
    from headlab.detect.sources import expand
    from headlab.trace.trace import TraceStream

    check_match_iou(match_iou)
    models = [model if isinstance(model, Model) else load(model) for model in (model_a, model_b)]
    first, second = models
    chosen = first._class_ids(classes)
    shifts = shifts_between(first, second, recipe)
    files, how = expand(sources), Settings(**settings)
    before, after = (
        TraceStream(model.runnable, model.layout, files, how, model=model._called)
        for model in models
    )
    images = ComparisonStream(
        before,
        after,
        shifts=shifts,
        classes=None if chosen is None else [first.class_names[number] for number in chosen],
        match_iou=match_iou,
        progress=progress,
    )
    return images if stream else images.collect()


def shifts_between(
    first: Model, second: Model, recipe: Edits | None = None
) -> dict[str, int] | None:
    """The cyclic shift of the class rows, by level or place, that makes the second model of the first.

    Args:
        first: the model before.
        second: the model after.
        recipe: how it was made; None looks it up in the second model or the manifest next to its file.

    Returns:
        level name, or place such as "P5/2" where slots differ -> shift; None if it is not known or there
        is more to it than shifts.

    Raises:
        RecipeError: the given recipe holds other operations than shifts.
    """
    from headlab.edit.shifts import shifts_of, shifts_of_manifest

    if recipe is not None:
        return shifts_of(first.layout, _operations(recipe), required=True)
    if second.recipes:
        same = second.path == first.path and len(second.recipes) == 1 and not first.recipes
        return shifts_of(first.layout, second.recipes[0].operations) if same else None
    return None if first.recipes else shifts_of_manifest(first.layout, first.path, second.path)


def _operations(given: Edits) -> tuple[Operation, ...]:
    from headlab.edit.recipe import checked, from_data, load

    if isinstance(given, Operation):
        return (checked(given),)
    if isinstance(given, Plan):
        return given.recipe.operations
    if isinstance(given, Recipe):
        return given.operations if given.is_checked else tuple(map(checked, given.operations))
    if isinstance(given, Mapping):
        whole = given if "operations" in given else {"version": 1, "operations": [given]}
        return from_data(whole).operations
    return load(given).operations
