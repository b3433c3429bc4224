"""`headlab compare`: what changed between two models, detection by detection."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headlab.cli.options import (
    FILE,
    classes_option,
    detection_options,
    detection_settings,
    output_options,
    pictures_option,
    quiet_option,
    sources_argument,
    split_names,
)
from headlab.cli.outputs import Outputs, picture_folder, remark, say_remarks, say_what_happened

if TYPE_CHECKING:
    from headlab.comparison.compare import ComparedImage


@click.command(short_help="Match the detections of two models, and show what changed.")
@click.argument("model_a", type=FILE)
@click.argument("model_b", type=FILE)
@sources_argument
@click.option(
    "--recipe",
    type=FILE,
    metavar="FILE",
    help="Recipe of the shifts that made MODEL_B. By default read from its manifest.",
)
@classes_option
@click.option(
    "--match-iou",
    type=float,
    default=0.5,
    help="Boxes that overlap less are different objects.",
)
@detection_options
@output_options(".json .csv .parquet .html .png")
@pictures_option("pictures of both models side by side")
@quiet_option
def compare(
    model_a: Path,
    model_b: Path,
    sources: tuple[str, ...],
    recipe: Path | None,
    classes: tuple[str, ...],
    match_iou: float,
    output: tuple[Path, ...],
    as_json: bool,
    save: Path | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Match the detections of two models by their boxes, and show what changed.

    MODEL_A and MODEL_B are model files: .pt, .weights, .h5 or .safetensors; --classes names classes of
    MODEL_A. SOURCE is an image, a video, a folder, or a pattern such as 'photos/*.jpg'.

    If MODEL_B was made by shifting the class rows of MODEL_A (headlab edit --shift), each class change is
    also read as evidence for a level, or for a level and anchor, and checked against what the detection's
    address states.

    The exit code is 1 if a source was skipped because it could not be read.
    """
    from headlab.comparison.compare import Comparison
    from headlab.comparison.text import MOST_ROWS, comparison_text
    from headlab.model import compare as compare_models
    from headlab.model import load
    from headlab.results.progress import progress_shown

    models = load(model_a), load(model_b)
    settings = detection_settings(options)
    with ExitStack() as stack:
        images = compare_models(
            *models,
            sources,
            recipe=recipe,
            classes=split_names(classes),
            match_iou=match_iou,
            stream=True,
            progress=stack.enter_context(progress_shown("comparing")),
            **settings,
        )
        outputs = Outputs.checked(Comparison, output, as_json, model_a, model_b, *images.paths)
        for text in images.remarks:
            remark(text)
        folder = stack.enter_context(
            picture_folder(save, images.paths, "compare", images.settings.vid_stride)
        )

        def save_picture(image: ComparedImage) -> None:
            if folder is not None:
                folder.add(image.path, image.frame, image.draw())

        done = images.collect(save_picture)
    outputs.deliver(done, comparison_text(done, 0 if quiet else MOST_ROWS))
    say_what_happened(done.skipped, folder)
    say_remarks(*models)
    if done.skipped:
        raise click.exceptions.Exit(1)
