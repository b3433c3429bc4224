"""`headlab convert`: a YOLOv3 model from one file format to another."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headlab.cli.options import FILE, beside_options, parse_imgsz
from headlab.cli.terminal import say

if TYPE_CHECKING:
    from headlab.conversion.convert import Converted


@click.command(short_help="Write a YOLOv3 model in another file format.")
@click.argument("source", metavar="IN", type=FILE)
@click.argument("target", metavar="OUT", type=FILE)
@beside_options
@click.option(
    "--imgsz",
    metavar="N|H,W",
    help="The input size that OUT says it is for: 416, or height and width as 320,608. "
    "By default that of IN.",
)
@click.option(
    "--bn-epsilon",
    type=float,
    metavar="E",
    help="Take IN's numbers as trained with this batch-norm epsilon; by default darknet's is 1e-6 and "
    "Keras' 1e-3. With 1e-3 a darknet file's numbers go into an .h5 unchanged, as keras-yolo3's "
    "convert.py put them there.",
)
@click.option("--force", is_flag=True, help="Replace files beside OUT that hold something else.")
def convert(
    source: Path,
    target: Path,
    cfg: Path | None,
    names: Path | None,
    anchors: Path | None,
    imgsz: str | None,
    bn_epsilon: float | None,
    force: bool,
) -> None:
    """Convert a YOLOv3 model between darknet, keras-yolo3 and headlab's own format.

    IN and OUT are model files; their names end in .weights (darknet), .h5 (keras-yolo3), .weights.h5
    (Keras 3) or .safetensors (headlab's own, in which everything is in one file). The files that a format
    needs beside the weights are found beside IN, or named by --cfg, --names and --anchors; those that OUT
    needs are written beside it.

    Before it says done, both files were run on the same picture and their outputs compared. Batch
    normalisation differs: darknet adds 1e-6 to a variance and Keras 1e-3, so the variances are converted.
    """
    from headlab.conversion.convert import convert as converted

    size = parse_imgsz(imgsz) if imgsz is not None else None
    done = converted(
        source,
        target,
        cfg=cfg,
        names=names,
        anchors=anchors,
        batch_norm_epsilon=bn_epsilon,
        imgsz=size,
        force=force,
    )
    _tell(done)


def _tell(done: Converted) -> None:
    for path in done.written:
        say(f"wrote {path} ({path.stat().st_size:,} bytes)")
    height, width = done.input_hw_px
    say(
        f"checked at {height} x {width} px: the raw outputs of both files, which reach "
        f"{done.largest_output:.3g}, differ by at most {done.difference:.1e}"
    )
    for note in done.notes:
        say(f"note: {note}")
    say("next:")
    say(f"  headlab trace {shlex.quote(str(done.written[0]))} PHOTO")
