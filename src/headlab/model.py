"""The Python interface: load a model, look at its head, edit, save, trace, compare two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headlab.checkpoint.checkpoint import Checkpoint
from headlab.checkpoint.yolov3.companion_files import CompanionFiles
from headlab.edit.operations import Operation
from headlab.edit.recipe import Recipe
from headlab.families.identify import identify
from headlab.families.read import read
from headlab.heads.layout import Layout
from headlab.trace.shown import ComparisonResult, TraceResult, shown

if TYPE_CHECKING:
    from headlab.boxes.reading import Format
    from headlab.boxes.table import BoxTable
    from headlab.edit.write import Saved
    from headlab.evaluate.shown import EvaluationResult

Edits = Operation | Mapping[str, Any] | Recipe | str | Path


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
        from headlab.families.network import build

        return build(self.checkpoint)

    @cached_property
    def runnable(self) -> Any:
        """What `trace` runs: for YOLOv3 the network as it is faster, else `network` itself."""
        from headlab.families.network import runnable

        return runnable(self.checkpoint) if self.layout.has_anchors else self.network

    def edit(self, *edits: Edits) -> Model:
        """A new model with rewritten class rows.

        Args:
            edits: operations such as `headlab.Shift(levels="P4", by=1)`, mappings such as
                `{"op": "shift", "levels": "P4", "by": 1}`, recipes, or paths of recipe files. Together
                they are one recipe: see docs/editing.md for the order in which operations act.

        Raises:
            InputError: the recipe contradicts itself or does not fit the model.
        """
        from headlab.edit.apply import apply
        from headlab.edit.plan import plan

        recipe = Recipe(tuple(each for given in edits for each in _operations(given)))
        edited = apply(self.checkpoint, plan(self.checkpoint, self.layout, recipe))
        return Model(edited, (*self.recipes, recipe))

    def save(self, path: str | Path, *, in_place: bool = False) -> Saved:
        """Write the model, and a manifest beside it that says what was done and can undo it.

        Args:
            path: where to write, in the format of the file that was read; ultralytics loads its
                checkpoints as before.
            in_place: allow `path` to be the file that the model was read from.

        Raises:
            OutputError: the file cannot be written, or is the input; nothing was changed.
        """
        from headlab.edit.write import save

        return save(self.checkpoint, Path(path), self.recipes, in_place=in_place)

    def trace(
        self,
        sources: str | Path | Sequence[str | Path],
        *,
        classes: Iterable[str | int] | None = None,
        **settings: Any,
    ) -> TraceResult:
        """The detections of `YOLO.predict`, each with its address and support.

        Args:
            sources: images, folders, patterns or videos.
            classes: class names or numbers to detect; None means all.
            settings: `conf`, `iou`, `imgsz`, `max_det`, … as in `headlab.detect.settings.Settings`.

        Raises:
            InputError: a setting is wrong, or no source can be read.
        """
        from headlab.detect.settings import Settings
        from headlab.trace.trace import trace

        chosen = None if classes is None else tuple(map(self.layout.class_id, classes))
        done = trace(self.runnable, self.layout, sources, Settings(classes=chosen, **settings))
        return shown(TraceResult, done)

    def evaluate(
        self,
        data: str | Path | BoxTable,
        *,
        format: Format | None = None,  # noqa: A002 - the natural word for callers
        images: str | Path | None = None,
        classes: Sequence[str] | str | Path | None = None,
        split: str | None = None,
        **settings: Any,
    ) -> EvaluationResult:
        """COCO's figures on annotated photos, by class, and by the address of the detections.

        Args:
            data: annotations that `headlab.boxes.read` reads, or a box table.
            format: as of `headlab.boxes.read`, as are the next three.
            images: the folder with the photos.
            classes: the class names, or a file of them.
            split: evaluate on this split only.
            settings: `conf`, `iou`, `imgsz`, … as in `headlab.evaluate.settings.EvaluationSettings`.

        Raises:
            InputError: the annotations cannot be read, a setting is wrong, or model and data have no class
                in common.
        """
        from headlab.boxes.reading import read as read_boxes
        from headlab.boxes.table import BoxTable
        from headlab.evaluate.api import evaluate
        from headlab.evaluate.settings import EvaluationSettings
        from headlab.evaluate.shown import EvaluationResult

        table = data
        if not isinstance(table, BoxTable):
            table = read_boxes(table, format=format, images=images, names=classes, split=split)
        done = evaluate(self.runnable, self.layout, table, EvaluationSettings(**settings))
        return shown(EvaluationResult, done)

    def __repr__(self) -> str:
        edits = f", {len(self.recipes)} edit(s)" if self.recipes else ""
        names = " ".join(self.layout.level_names)
        return f"<Model {self.path.name}: {self.layout.head} {names}, {len(self.class_names)} classes{edits}>"

    def _repr_html_(self) -> str:
        from headlab.trace.notebook import layout_html

        return layout_html(self.layout)


def load(
    path: str | Path,
    *,
    cfg: str | Path | None = None,
    names: str | Path | None = None,
    anchors: str | Path | None = None,
) -> Model:
    """Read a model file as data; nothing in it is run.

    Args:
        path: an ultralytics `.pt` file, or a YOLOv3 model: darknet `.weights`, keras-yolo3 `.h5`, or
            headlab's own `.safetensors`.
        cfg: darknet's description of the network; by default it is looked for beside the weights.
        names: the class names of YOLOv3 weights, one a line; looked for in the same way.
        anchors: the anchors of Keras weights; looked for in the same way.

    Raises:
        CheckpointError: the file, or one that belongs beside it, is missing or cannot be read.
        UnsupportedHead: its head is of a kind that headlab does not describe.
    """
    model = Model(read(path, CompanionFiles.of(cfg, names, anchors)))
    _ = model.layout
    return model


def compare(
    before: str | Path | Model,
    after: str | Path | Model,
    sources: str | Path | Sequence[str | Path],
    *,
    recipe: Edits | None = None,
    classes: Iterable[str] | None = None,
    match_iou: float = 0.5,
    **settings: Any,
) -> ComparisonResult:
    """Match the detections of two models, and score the class-shift inference if it applies.

    Args:
        before: the first model, or its path.
        after: the second model, or its path.
        sources: images, folders, patterns or videos.
        recipe: how the second was made from the first, if it was by shifts only; by default it is taken
            from the edit, or from the manifest beside the second file.
        classes: compare detections of these classes of the first model only.
        match_iou: boxes that overlap less are different objects.
        settings: as for `Model.trace`.

    Raises:
        InputError: a setting is wrong, no source can be read, or the recipe is not of shifts.
    """
    from headlab.comparison.compare import compare as compare_traces

    first = before if isinstance(before, Model) else load(before)
    second = after if isinstance(after, Model) else load(after)
    names = None
    if classes is not None:
        names = tuple(first.class_names[first.layout.class_id(each)] for each in classes)
    done = compare_traces(
        first.trace(sources, **settings),
        second.trace(sources, **settings),
        shifts=shifts_between(first, second, recipe),
        classes=names,
        match_iou=match_iou,
    )
    return shown(ComparisonResult, done)


def shifts_between(
    first: Model, second: Model, recipe: Edits | None = None
) -> dict[str, int] | None:
    """The cyclic shift of the class rows, by level or place, that makes the second model of the first.

    Args:
        first: the model before.
        second: the model after.
        recipe: how it was made; None looks it up in the second model or the manifest beside its file.

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
    if isinstance(given, Recipe):
        return tuple(map(checked, given.operations))
    if isinstance(given, Mapping):
        whole = given if "operations" in given else {"version": 1, "operations": [given]}
        return from_data(whole).operations
    return load(given).operations
