"""What `headlab inspect` says of an ultralytics checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from headlab.checkpoint.pt.checkpoint import PtCheckpoint
from headlab.families.facts import Facts, classes_text, parameters_text, size_text
from headlab.families.ultralytics.remarks import remarks
from headlab.heads.layout import Layout


def facts(checkpoint: PtCheckpoint, layout: Layout) -> Facts:
    """Its head, network, training, and who wrote it when."""
    summary = tuple(_summary(checkpoint, layout))
    imgsz_from: Literal["training", "default"] = "training" if checkpoint.input_hw_px else "default"
    return Facts(summary, imgsz_from, notes=remarks(checkpoint))


def _summary(checkpoint: PtCheckpoint, layout: Layout) -> Iterator[tuple[str, str]]:
    about = checkpoint.about
    branches = " + ".join(layout.branches)
    yield "head", f"{layout.head} ({layout.task}), {branches}, {classes_text(layout)}"
    network = [about["yaml_file"], f"scale {about['scale']}" if about["scale"] else None]
    named = [str(each) for each in network if each]
    yield "network", ", ".join([*named, parameters_text(checkpoint)])
    if checkpoint.input_hw_px:
        data = f", data {about['train_data']}" if about["train_data"] else ""
        yield "training", f"{size_text(checkpoint.input_hw_px)}{data}"
    written = [
        f"ultralytics {about['version']}" if about["version"] else None,
        about["date"] and str(about["date"])[:19].replace("T", " "),
        "weights of `ema`" if about["weights"] == "ema" else None,
        f"epoch {about['epoch']}" if about["epoch"] is not None else None,
    ]
    if any(written):
        yield "written by", ", ".join(str(each) for each in written if each)
