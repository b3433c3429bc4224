"""`headlab convert`: a YOLOv3 model from one file format to another."""

from __future__ import annotations

from pathlib import Path

import click

from headlab.cli.options import FILE, SIZE, companion_options, force_option, json_option, size_of
from headlab.cli.outputs import deliver


@click.command(short_help="Write a YOLOv3 model in another file format.")
@click.argument("model", type=FILE)
@click.argument("target", metavar="OUT", type=FILE)
@companion_options
@click.option(
    "--imgsz",
    metavar=SIZE,
    help="The input size that OUT says it is for: 416, or height and width as 320,608. "
    "By default that of MODEL.",
)
@click.option(
    "--bn-epsilon",
    type=float,
    metavar="E",
    help="Read MODEL's numbers as trained with this batch-norm epsilon. By default darknet's is 1e-6 and "
    "Keras' 1e-3. With 1e-3 a darknet file's numbers go into an .h5 unchanged, as keras-yolo3's "
    "convert.py puts them there.",
)
@force_option
@json_option
def convert(
    model: Path,
    target: Path,
    cfg: Path | None,
    names: Path | None,
    anchors: Path | None,
    imgsz: str | None,
    bn_epsilon: float | None,
    force: bool,
    as_json: bool,
) -> None:
    """Convert a YOLOv3 model between darknet, keras-yolo3 and headlab's own format.

    MODEL and OUT are model files; their names end in .weights (darknet), .h5 (keras-yolo3), .weights.h5
    (Keras 3) or .safetensors (headlab's own, in which everything is in one file). The files that a format
    needs next to the weights are found next to MODEL, or named by --cfg, --names and --anchors; those that
    OUT needs are written next to it.

    Before the command says that it is done, it has run both files on the same picture and compared their
    outputs. Batch normalisation differs: darknet adds 1e-6 to a variance and Keras 1e-3, so the variances
    are converted.
    """
    from headlab.conversion.convert import convert as converted

    deliver(
        converted(
            model,
            target,
            cfg=cfg,
            names=names,
            anchors=anchors,
            batch_norm_epsilon=bn_epsilon,
            imgsz=size_of(imgsz),
            force=force,
        ),
        as_json,
    )
