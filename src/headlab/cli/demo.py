"""`headlab demo`: the whole way once, on scenes that are drawn on the spot."""

from __future__ import annotations

from pathlib import Path

import click

from headlab.cli.options import FILE, json_option
from headlab.cli.outputs import deliver, remark


@click.command
@click.argument("model", type=FILE, required=False)
@click.argument("sources", metavar="[SOURCE]...", nargs=-1)
@click.option(
    "-o",
    "--output",
    type=FILE,
    default="demo-out",
    metavar="DIR",
    help="The folder for scenes, pictures and both models.",
)
@click.option("--scenes", type=click.IntRange(1, 1000), default=6, help="How many scenes to draw.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Seed of the first scene.")
@json_option
def demo(
    model: Path | None,
    sources: tuple[str, ...],
    output: Path,
    scenes: int,
    seed: int,
    as_json: bool,
) -> None:
    """Draw microscope scenes, and see which level finds which cells.

    A small detector comes with headlab. The demo draws scenes for it, shows its head, shifts the class
    rows of two levels, compares the detections before and after, and saves pictures of both.
    Nothing is downloaded.

    With MODEL and SOURCE it takes the same tour through a model of yours, of any family, on your own
    photos; where cells have several anchor slots, every slot is shifted by a number of its own.
    """
    from headlab.demo import tour
    from headlab.results.progress import progress_shown

    images = "the photos" if sources else "drawn scenes"
    remark(f"tracing {images} with two models")
    with progress_shown("comparing") as progress:
        done = tour(model, sources, output=output, scenes=scenes, seed=seed, progress=progress)
    deliver(done, as_json)
