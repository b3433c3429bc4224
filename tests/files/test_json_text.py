"""Documents as JSON text."""

from __future__ import annotations

import json
import math

from headlab.files.json_text import to_json


def test_json_has_no_nan_and_keeps_scripts() -> None:
    text = to_json({"a": math.nan, "b": [math.inf, (1.5,)], "c": "鳥"})
    assert json.loads(text) == {"a": None, "b": [None, [1.5]], "c": "鳥"}
    assert "鳥" in text
