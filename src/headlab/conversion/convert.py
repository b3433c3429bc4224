"""Convert a YOLOv3 model from one file format to another, and prove that it still computes the same."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from headlab.checkpoint.companions import holds, missing, replacing_model
from headlab.checkpoint.file_format import FileFormat
from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.checkpoint.yolov3.companion_files import CompanionFiles
from headlab.checkpoint.yolov3.description import LARGEST_INPUT_PX, default_masks
from headlab.checkpoint.yolov3.formats import format_of
from headlab.checkpoint.yolov3.read import read_yolov3
from headlab.checkpoint.yolov3.titles import TITLES
from headlab.checkpoint.yolov3.write import companions_of, write_as
from headlab.errors import CheckpointError, InputError, OutputError
from headlab.extras import PYTORCH, require
from headlab.families.yolov3.head import layout_of
from headlab.families.yolov3.remarks import trained_masks, without_names
from headlab.files.atomic import check_is_new, check_is_not, check_replaceable
from headlab.files.folder import staging
from headlab.files.path_text import path_text
from headlab.plain_text import size_text
from headlab.results.result import Result

if TYPE_CHECKING:
    import polars as pl

KERAS_VARIANTS = ("yolov3", "yolov3-tiny")
"""The networks that keras-yolo3 has."""

TOLERANCE = 2e-4
"""The raw outputs of source and result may differ by this much, relative to the largest (at least 1).

Two ways to run the same float32 network differ by 3e-5 where outputs are of order 10.
"""

_LARGEST_RUN_PX = 416


@dataclass(frozen=True, repr=False)
class Converted(Result):
    """What a conversion did.

    Attributes:
        source: the file read.
        written: the model file, then its companions.
        format: of the model file.
        input_hw_px: the input size at which both were run.
        largest_output: the largest raw output in absolute value.
        difference: by how much the raw outputs of the two files differ at most.
        notes: what other programs will see differently.
    """

    source: Path
    written: tuple[Path, ...]
    format: FileFormat
    input_hw_px: tuple[int, int]
    largest_output: float
    difference: float
    notes: tuple[str, ...]

    title: ClassVar[str] = "converted model"

    @property
    def summary(self) -> str:
        """The file."""
        return str(self.written[0])

    @property
    def table(self) -> pl.DataFrame:
        """One row per file written: `file`, `size_bytes`."""
        import polars as pl

        return pl.DataFrame(
            {
                "file": [path_text(path) for path in self.written],
                "size_bytes": [path.stat().st_size for path in self.written],
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """The files, and the proof that they compute the same."""
        return {
            "source": path_text(self.source),
            "written": [path_text(path) for path in self.written],
            "format": self.format.words,
            "input_hw_px": list(self.input_hw_px),
            "largest_output": self.largest_output,
            "difference": self.difference,
            "notes": list(self.notes),
        }

    def text(self) -> Iterator[str]:
        """See `Result.text`."""
        for path in self.written:
            yield f"wrote {path} ({path.stat().st_size:,} bytes)"
        height, width = self.input_hw_px
        yield (
            f"checked at {height} x {width} px: the raw outputs of both files, which reach "
            f"{self.largest_output:.3g}, differ by at most {self.difference:.1e}"
        )
        for note in self.notes:
            yield f"note: {note}"
        yield "next:"
        yield f"  headlab trace {shlex.quote(str(self.written[0]))} PHOTO"


def convert(
    source: str | Path,
    target: str | Path,
    *,
    cfg: str | Path | None = None,
    names: str | Path | None = None,
    anchors: str | Path | None = None,
    batch_norm_epsilon: float | None = None,
    imgsz: int | tuple[int, int] | None = None,
    force: bool = False,
) -> Converted:
    """Write a model in the format that the target's name asks for.

    The result is read back, as other programs read it, and run on the same random picture as the source
    before anything is put in its place; a result that computes something else is thrown away.

    Args:
        source: a YOLOv3 model: darknet, keras-yolo3 or headlab's own format.
        target: `.weights` (darknet), `.h5` (keras-yolo3), `.weights.h5` (Keras 3) or `.safetensors`.
        cfg: darknet's description of the source; by default it is looked for next to the weights.
        names: the class names of the source, one per line; by default found next to it, too.
        anchors: the anchors of a Keras source; by default found next to it, too.
        batch_norm_epsilon: read the source's numbers as trained with this one. With 1e-3, darknet numbers
            go into an `.h5` unchanged, as keras-yolo3's own convert.py puts them there.
        imgsz: the input size that the result says it is for, one number or (height, width); None keeps the
            source's.
        force: replace a target that exists, and companion files of it that hold something else.

    Raises:
        InputError: the source is no YOLOv3 model, the target's name asks for no known format, or a number
            is none that a model can have.
        CheckpointError: the source is damaged, or its numbers do not survive the conversion.
        OutputError: the target exists, is the source, or cannot be written; nothing was changed.
        MissingExtra: PyTorch is not installed.
    """
    path, out = Path(source), Path(target)
    chosen = format_of(out)
    require("Comparing the converted model with its source", PYTORCH)
    model = read_yolov3(path, CompanionFiles.of(cfg, names, anchors))
    model = _described(
        model, batch_norm_epsilon, (imgsz, imgsz) if isinstance(imgsz, int) else imgsz
    )
    check_is_not(out, path, "Give the output another name or folder.")
    companions = companions_of(model, out)
    _check_places(out, companions, force)
    with staging(Path(os.path.realpath(out)).parent, out) as folder:
        staged = folder / out.name
        with staged.open("wb+") as file:
            write_as(model, chosen, file)
        for text, data in companions.items():
            (folder / text.name).write_bytes(data)
        size, largest, difference = _compared(model, read_yolov3(staged).as_others_read())
        if not difference <= TOLERANCE * max(1.0, largest):
            raise CheckpointError(
                f"{out}: the converted file computes something else: its raw outputs differ by up to "
                f"{difference:.3g}, where {largest:.3g} is the largest. Nothing was written.",
                "The source may hold numbers that the format cannot carry; please report the file.",
            )
        with replacing_model(out, missing(companions)) as files:
            files.take(out, staged)
    written = (out, *reversed(companions))
    notes = (
        *model.file_remarks,
        *model.names_remarks,
        *without_names(model),
        *_notes(model, chosen),
    )
    return Converted(path, written, chosen, size, largest, difference, notes)


def _notes(model: Yolov3Checkpoint, chosen: FileFormat) -> tuple[str, ...]:
    described = model.description
    if not chosen.suffix.endswith(".h5"):
        return ()
    if described.variant not in KERAS_VARIANTS:
        return (f"keras-yolo3 has no {TITLES[described.variant]}; headlab reads the file.",)
    usual = default_masks(described.variant, len(described.anchors_wh_px))
    if described.masks == usual:
        return ()
    if usual == trained_masks(model):
        return (
            f"The source says masks {_listed(described.masks)}, but these weights were trained with "
            f"{_listed(usual)}, which keras-yolo3's code has: its boxes are the right ones.",
        )
    return (
        f"This model's masks are {_listed(described.masks)}, but keras-yolo3's code says "
        f"{_listed(usual)}: change it there, or its boxes get the wrong anchors.",
    )


def _listed(masks: Sequence[Sequence[int]]) -> str:
    return str([list(mask) for mask in masks]).replace(", ", ",").replace("],[", "], [")


def _described(
    model: Yolov3Checkpoint, epsilon: float | None, input_hw_px: tuple[int, int] | None
) -> Yolov3Checkpoint:
    """The model with another epsilon or input size in its description, and the same numbers."""
    described = model.described
    if epsilon is not None:
        if not 0 < epsilon < 1:
            raise InputError(
                f"The batch-norm epsilon is {epsilon}; a number between 0 and 1 was expected.",
                "Such as 1e-6 (darknet) or 1e-3 (Keras).",
            )
        described = replace(described, batch_norm_epsilon=epsilon)
    if input_hw_px is not None:
        if not 0 < min(input_hw_px) <= max(input_hw_px) <= LARGEST_INPUT_PX:
            raise InputError(
                f"An input of {size_text(input_hw_px)} does not do: sides of up to {LARGEST_INPUT_PX:,} px "
                "were expected.",
                "Such as 416, or 320,608.",
            )
        layout_of(model.described).addresses(
            *input_hw_px
        )  # refuses what is no multiple of the strides
        described = replace(described, input_hw_px=input_hw_px)
    return replace(model, described=described)


def _check_places(target: Path, companions: Mapping[Path, bytes], force: bool) -> None:
    """Refuse to replace a user's own file in a companion's place, and what cannot be replaced."""
    check_is_new(target, force)
    for path, data in companions.items():
        if not path.exists() or holds(path, data):
            continue
        if not force:
            raise OutputError(
                f"{path} is a companion file of {target.name}, but is there already and holds something "
                "else. "
                "Nothing was written.",
                "Give another name or folder, or say --force to replace it.",
            )
        check_replaceable(path)


def _compared(
    before: Yolov3Checkpoint, after: Yolov3Checkpoint
) -> tuple[tuple[int, int], float, float]:
    """Input size, largest raw output, and largest difference of two models on one random picture."""
    height, width = before.described.input_hw_px
    size = (min(height, _LARGEST_RUN_PX), min(width, _LARGEST_RUN_PX))
    outputs, others = _raw_outputs(before, size), _raw_outputs(after, size)
    largest = max(float(each.abs().max()) for each in outputs)
    pairs = zip(outputs, others, strict=True)
    return size, largest, max(float((one - other).abs().max()) for one, other in pairs)


def _raw_outputs(model: Yolov3Checkpoint, input_hw_px: tuple[int, int]) -> tuple[Any, ...]:
    import torch

    from headlab.yolov3.load import build

    picture = torch.rand((1, 3, *input_hw_px), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        outputs: tuple[Any, ...] = build(model)(picture)
    return outputs
