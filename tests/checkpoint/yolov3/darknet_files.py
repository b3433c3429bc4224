"""darknet files for tests: a model's `.weights`, `.cfg` and `.names`, and cfg texts with one change."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from headlab.checkpoint.yolov3.checkpoint import Yolov3Checkpoint
from headlab.checkpoint.yolov3.darknet.cfg_text import cfg_text
from headlab.checkpoint.yolov3.darknet.weights import write_darknet
from headlab.files.class_names import class_names_text

HEADER_BYTES = 20


def weights_bytes(model: Yolov3Checkpoint) -> bytes:
    file = BytesIO()
    write_darknet(model, file)
    return file.getvalue()


def placed(model: Yolov3Checkpoint, path: Path, *, cfg: bool = True, names: bool = True) -> Path:
    """Write a model's weights, and the texts that have its name."""
    path.write_bytes(weights_bytes(model))
    if cfg:
        path.with_suffix(".cfg").write_text(cfg_text(model.description), "utf-8")
    if names:
        text = class_names_text(model.class_names)
        path.with_suffix(".names").write_text(text, "utf-8")
    return path


def line_of(text: str, part: str, nth: int = 1) -> int:
    """The line of the nth line that is `part`."""
    found = [at for at, line in enumerate(text.splitlines(), start=1) if line == part]
    return found[nth - 1]


def changed(text: str, line: int, to: str) -> str:
    """A text with one line replaced; no line if `to` is empty."""
    lines = text.splitlines(keepends=True)
    lines[line - 1] = f"{to}\n" if to else ""
    return "".join(lines)
