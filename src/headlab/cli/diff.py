"""`headlab diff`: what differs between two model files."""

from __future__ import annotations

from pathlib import Path

import click

from headlab.cli.options import FILE, output_options
from headlab.cli.outputs import Outputs


@click.command
@click.argument("model_a", type=FILE)
@click.argument("model_b", type=FILE)
@output_options(".json .csv .parquet .html")
def diff(model_a: Path, model_b: Path, output: tuple[Path, ...], as_json: bool) -> None:
    """Compare two model files without running anything in them.

    MODEL_A and MODEL_B are model files: .pt, .weights, .h5 or .safetensors. Shows tensors added, removed,
    reshaped and changed, which class rows moved or changed on which level or slot, and what differs in
    class names and metadata. Compared are the weights that would be loaded.

    Exit code: 0 nothing differs, 1 something does, 2 the input was wrong.
    """
    from headlab.differences.differences import Differences
    from headlab.model import diff as differences

    outputs = Outputs.checked(Differences, output, as_json, model_a, model_b)
    found = differences(model_a, model_b)
    outputs.deliver(found)
    if found:
        raise click.exceptions.Exit(1)
