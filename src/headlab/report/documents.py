"""JSON as headlab prints it: indented, in order, and valid (JSON has no NaN: such numbers become null)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any


def to_json(document: Mapping[str, Any]) -> str:
    """The document as text that ends with a newline; names in any script stay readable."""
    return json.dumps(_valid(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _valid(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _valid(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_valid(each) for each in value]
    return value
