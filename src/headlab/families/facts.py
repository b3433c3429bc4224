"""What a family says of a model, for `headlab inspect`: facts, a line each, and explanations in sections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from headlab.checkpoint.checkpoint import Checkpoint
from headlab.heads.layout import Layout
from headlab.plain_text import counted
from headlab.plain_text import size_text as full_size_text


@dataclass(frozen=True)
class Facts:
    """What there is to say of a model beyond its layout.

    Attributes:
        summary: a label, such as "network", and a text for each line at the top.
        imgsz_from: who chose `Checkpoint.input_hw_px`: "training", "model" (the file says what it is made
            for), or "default" where it does not say.
        masks: level name -> the number of each slot's anchor in the anchors file; empty without anchors.
        notes: what is unusual about the model, in sentences.
    """

    summary: tuple[tuple[str, str], ...]
    imgsz_from: Literal["training", "model", "default"]
    masks: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TextTable:
    """A table.

    Attributes:
        columns: the headings; one that begins with ">" is aligned to the right.
        rows: one cell per column, as text.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def as_document(self) -> dict[str, Any]:
        """The JSON form."""
        columns = [column.removeprefix(">") for column in self.columns]
        return {"columns": columns, "rows": [list(row) for row in self.rows]}


@dataclass(frozen=True)
class Section:
    """One question about a model, answered with that model's numbers.

    Attributes:
        name: a key that stays the same for every model, such as "grids".
        title: the heading.
        numbers: the values that the text is made from, by name; plain values.
        parts: paragraphs and tables in the order of reading.
    """

    name: str
    title: str
    numbers: Mapping[str, Any]
    parts: tuple[str | TextTable, ...]

    def as_document(self) -> dict[str, Any]:
        """The JSON form: paragraphs are texts, tables have columns and rows."""
        return {
            "name": self.name,
            "title": self.title,
            "numbers": dict(self.numbers),
            "parts": [part if isinstance(part, str) else part.as_document() for part in self.parts],
        }


def classes_text(layout: Layout) -> str:
    """Such as "80 classes"."""
    return counted(len(layout.class_names), "class", "classes")


def parameters_text(checkpoint: Checkpoint) -> str:
    """How many parameters the network has, and how many numbers they hold."""
    parameters = [tensor for tensor in checkpoint.tensors.values() if tensor.is_parameter]
    return f"{len(parameters)} parameters, {sum(tensor.numel for tensor in parameters):,} numbers"


def size_text(size_hw_px: tuple[int, int]) -> str:
    """Such as "480 x 640 px (height x width)", or "640 px" for a square."""
    height, width = size_hw_px
    return f"{height} px" if height == width else full_size_text(size_hw_px)


def anchor_text(anchor_wh_px: tuple[float, float]) -> str:
    """Such as "116x90": width and height in pixels."""
    width, height = anchor_wh_px
    return f"{width:g}x{height:g}"


def mask_text(mask: tuple[int, ...]) -> str:
    """Such as "[6,7,8]", as the source code of keras-yolo3 writes it."""
    return f"[{','.join(map(str, mask))}]"


def joined(texts: list[str]) -> str:
    """Such as "P5, P4 and P3"."""
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
