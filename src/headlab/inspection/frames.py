"""An inspection as rows: its parameters, its classes, or its levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from headlab.inspection.inspection import Inspection


def frame(shown: Inspection) -> pl.DataFrame:
    """The parameters, if they were asked for; else the classes asked for; else the levels."""
    if shown.parameters is not None:
        return parameter_rows(shown)
    return class_rows(shown) if shown.classes else level_rows(shown)


def parameter_rows(shown: Inspection) -> pl.DataFrame:
    """One row per parameter: `index name shape dtype level branch`."""
    parameters = shown.parameters or ()
    return pl.DataFrame(
        {
            "index": [row.index for row in parameters],
            "name": [row.name for row in parameters],
            "shape": ["x".join(map(str, row.shape)) for row in parameters],
            "dtype": [row.dtype for row in parameters],
            "level": pl.Series([row.level for row in parameters], dtype=pl.String),
            "branch": pl.Series([row.branch for row in parameters], dtype=pl.String),
        }
    )


def class_rows(shown: Inspection) -> pl.DataFrame:
    """One row per class, level, branch and slot: its row, bias and weight norm."""
    names = ("class_id", "class_name", "level", "branch", "slot", "row", "bias", "weight_norm")
    return pl.DataFrame({name: [getattr(row, name) for row in shown.classes] for name in names})


def level_rows(shown: Inspection) -> pl.DataFrame:
    """One row per level and branch: its grid, candidates, and the parameters with its class rows."""
    rows = [(level, parameters) for level in shown.levels for parameters in level.class_rows]
    return pl.DataFrame(
        {
            "level": [level.name for level, _ in rows],
            "stride_px": [level.stride_px for level, _ in rows],
            "grid_rows": [level.grid_hw[0] for level, _ in rows],
            "grid_cols": [level.grid_hw[1] for level, _ in rows],
            "slots": [level.slots for level, _ in rows],
            "candidates": [level.candidates for level, _ in rows],
            "branch": [parameters.branch for _, parameters in rows],
            "weight": [parameters.weight.name for _, parameters in rows],
            "bias": [parameters.bias.name for _, parameters in rows],
        }
    )
