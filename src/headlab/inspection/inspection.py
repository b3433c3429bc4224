"""What `headlab inspect` shows of a model, as values: levels, class rows, parameters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from headlab.families.facts import Section
from headlab.heads.layout import Layout
from headlab.results.result import Result

if TYPE_CHECKING:
    import polars as pl
    from rich.console import RenderableType


@dataclass(frozen=True)
class Parameter:
    """One parameter of the network.

    Attributes:
        index: its position in `named_parameters()`.
        name: the dotted name, as in `state_dict`.
        shape: its shape.
        dtype: as PyTorch calls it.
        level: the level whose class rows it holds; None for any other parameter.
        branch: the branch of those class rows; None for any other parameter.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    level: str | None = None
    branch: str | None = None


@dataclass(frozen=True)
class ClassParameters:
    """The two parameters that hold a level's class rows in one branch.

    Attributes:
        branch: "one2many" or "one2one".
        weight: the convolution's weight, (rows, channels, 1, 1).
        bias: its bias, (rows,).
        not_finite: how many of their numbers are NaN or infinite.
    """

    branch: str
    weight: Parameter
    bias: Parameter
    not_finite: int


@dataclass(frozen=True)
class LevelShown:
    """A level at the chosen input size.

    Attributes:
        name: such as "P3".
        stride_px: input pixels per cell.
        slots: anchors per cell.
        grid_hw: rows and columns of cells.
        candidates: rows x columns x slots.
        class_rows: by branch.
        anchors_wh_px: each slot's anchor, (width, height) in input pixels; empty without anchors.
        mask: for each slot the number of its anchor in the anchors file; empty without anchors.
    """

    name: str
    stride_px: int
    slots: int
    grid_hw: tuple[int, int]
    candidates: int
    class_rows: tuple[ClassParameters, ...]
    anchors_wh_px: tuple[tuple[float, float], ...] = ()
    mask: tuple[int, ...] = ()

    def as_document(self) -> dict[str, Any]:
        """The JSON form; heads without anchors have no keys for them."""
        document = asdict(self)
        if not self.anchors_wh_px:
            del document["anchors_wh_px"], document["mask"]
        return document


@dataclass(frozen=True)
class ClassShown:
    """One class on one level and branch.

    Attributes:
        class_id: the class number.
        class_name: its name.
        level: such as "P3".
        branch: "one2many" or "one2one".
        slot: the anchor's index within a cell.
        row: the row of the class in the level's weight and bias.
        bias: the logit where all features are zero.
        weight_norm: the Euclidean norm of the class's weights.
    """

    class_id: int
    class_name: str
    level: str
    branch: str
    slot: int
    row: int
    bias: float
    weight_norm: float


@dataclass(frozen=True, repr=False)
class Inspection(Result):
    """What a model's head is made of.

    Attributes:
        path: the file, as the user wrote it.
        layout: the head.
        metadata: what the file says of itself, keys as in `to_dict`.
        input_hw_px: the input size that the grids are for.
        imgsz_from: who chose that size: "option", "training", "model" (the file says it) or "default".
        levels: finest first.
        parameter_tensors: how many parameters the network has.
        parameter_numbers: how many numbers they hold.
        facts: label and text of each line below the file's name, not in the JSON form.
        classes: the classes asked for, by level.
        parameters: the parameters asked for; None if none were asked for.
        notes: what is unusual about the model, such as its masks.
        explanation: where the numbers come from; None if that was not asked for.
        warnings: what makes the file dangerous for other programs.
    """

    path: str
    layout: Layout
    metadata: dict[str, Any]
    input_hw_px: tuple[int, int]
    imgsz_from: str
    levels: tuple[LevelShown, ...]
    parameter_tensors: int
    parameter_numbers: int
    facts: tuple[tuple[str, str], ...] = ()
    classes: tuple[ClassShown, ...] = ()
    parameters: tuple[Parameter, ...] | None = None
    notes: tuple[str, ...] = ()
    explanation: tuple[Section, ...] | None = None
    warnings: tuple[str, ...] = ()

    title: ClassVar[str] = "inspection"

    @property
    def summary(self) -> str:
        """The head, its levels and its classes."""
        levels = " ".join(self.layout.level_names)
        return f"{self.path}, {self.layout.head} {levels}, {len(self.layout.class_names)} classes"

    @property
    def table(self) -> pl.DataFrame:
        """The parameters, if they were asked for; else the classes asked for; else the levels."""
        from headlab.inspection.frames import frame

        return frame(self)

    def text(self) -> Iterable[RenderableType]:
        """See `Result.text`."""
        from headlab.inspection.text import inspection_text

        return inspection_text(self)

    def html(self) -> str:
        """Its levels and their class rows, or what was asked for."""
        from headlab.inspection.html import inspection_html

        return inspection_html(self)

    @property
    def candidates(self) -> int:
        """The number of candidates of all levels."""
        return sum(level.candidates for level in self.levels)

    def to_dict(self) -> dict[str, Any]:
        """Everything, as docs/inspecting.md describes it."""
        document = {
            "file": self.path,
            "head": self.layout.head,
            "task": self.layout.task,
            "branches": list(self.layout.branches),
            "rotated": self.layout.rotated,
            "class_names": list(self.layout.class_names),
            "metadata": self.metadata,
            "input_hw_px": list(self.input_hw_px),
            "imgsz_from": self.imgsz_from,
            "candidates": self.candidates,
            "levels": [level.as_document() for level in self.levels],
            "parameter_tensors": self.parameter_tensors,
            "parameter_numbers": self.parameter_numbers,
            "classes": [asdict(each) for each in self.classes],
            "notes": list(self.notes),
            "warnings": list(self.warnings),
        }
        if self.parameters is not None:
            document["parameters"] = [asdict(each) for each in self.parameters]
        if self.explanation is not None:
            document["explanation"] = [each.as_document() for each in self.explanation]
        return document
