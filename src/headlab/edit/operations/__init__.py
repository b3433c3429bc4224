"""The operations of a recipe: one small file each, and a table of them by name."""

from __future__ import annotations

from headlab.edit.operations.base import Adjustment, Operation, Removal, RowMove
from headlab.edit.operations.bias import Bias
from headlab.edit.operations.copy import Copy
from headlab.edit.operations.drop import Drop
from headlab.edit.operations.keep import Keep
from headlab.edit.operations.permute import Permute
from headlab.edit.operations.rename import Rename
from headlab.edit.operations.reorder import Reorder
from headlab.edit.operations.scale import Scale
from headlab.edit.operations.shift import Shift
from headlab.edit.operations.suppress import Suppress
from headlab.edit.operations.swap import Swap
from headlab.edit.operations.thresholds import Thresholds

OPERATIONS: dict[str, type[Operation]] = {
    "shift": Shift,
    "permute": Permute,
    "reorder": Reorder,
    "swap": Swap,
    "copy": Copy,
    "suppress": Suppress,
    "scale": Scale,
    "bias": Bias,
    "thresholds": Thresholds,
    "rename": Rename,
    "keep": Keep,
    "drop": Drop,
}
"""Every operation by its name, as in a recipe's `op`."""

__all__ = [
    "OPERATIONS",
    "Adjustment",
    "Bias",
    "Copy",
    "Drop",
    "Keep",
    "Operation",
    "Permute",
    "Removal",
    "Rename",
    "Reorder",
    "RowMove",
    "Scale",
    "Shift",
    "Suppress",
    "Swap",
    "Thresholds",
]
