"""JSON as headlab prints it: indented, in order, and valid (JSON has no NaN: such numbers become null)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

_C1_CONTROLS = re.compile("[\x7f-\x9f]")
"""Terminals obey them, and json leaves them as they are; they occur inside texts only."""


def to_json(document: Mapping[str, Any]) -> str:
    """The document as text that ends with a newline; names in any script stay readable."""
    text = json.dumps(_valid(document), indent=2, ensure_ascii=False, allow_nan=False)
    return _C1_CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


def _valid(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _valid(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_valid(each) for each in value]
    return value
