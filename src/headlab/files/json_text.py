"""JSON: read with the line in every error, and written as headlab prints it.

Written: indented, in order, and valid. JSON has no NaN, which becomes null.
Read: Unicode, as the standard asks, with or without a byte order mark. A duplicate key is refused where
headlab itself wrote the file; in files of other programs (COCO) the last one counts, as everywhere.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from headlab.errors import InputError
from headlab.files.text import SMALL_BYTES, read_bytes

_ESCAPED = re.compile("[\x7f-\x9f\ud800-\udfff]")
"""C1 controls, which terminals obey, and halves of characters, which no encoding can hold. json leaves them
as they are; they occur inside texts only."""


def to_json(document: Mapping[str, Any], *, indent: int = 2, encoding: str = "utf-8") -> str:
    """The document as text that ends with a newline; names in any script stay readable.

    Args:
        document: plain values.
        indent: by how many spaces each depth is indented.
        encoding: what it will be written in; unless that is Unicode, only ASCII is written, with escapes.
    """
    in_ascii = not _is_unicode(encoding)
    text = json.dumps(_valid(document), indent=indent, ensure_ascii=in_ascii, allow_nan=False)
    if not text.isascii() or "\x7f" in text:
        text = _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return f"{text}\n"


def _is_unicode(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding).name.startswith("utf")
    except LookupError:
        return False


def read_json(path: Path, hint: str = "Correct the file.") -> Any:
    """Read a small JSON file without duplicate keys.

    Args:
        path: the file.
        hint: what to do if it is not JSON.

    Raises:
        InputError: it cannot be read, or is not JSON; the message has the line.
    """
    return parse_json(read_bytes(path, SMALL_BYTES), str(path), hint)


def parse_json(
    data: str | bytes, name: str, hint: str = "Correct the file.", *, unique_keys: bool = True
) -> Any:
    """Read JSON from a text or its bytes.

    Args:
        data: the JSON.
        name: of the file that it comes from, for messages.
        hint: what to do if it is not JSON.
        unique_keys: refuse duplicate keys.

    Raises:
        InputError: it is not JSON; the message has the line.
    """
    try:
        return json.loads(data, object_pairs_hook=_unique if unique_keys else None)
    except json.JSONDecodeError as error:
        raise InputError(f"{name}, line {error.lineno}: not JSON: {error.msg}.", hint) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(f"{name}, line {line}: not JSON: not {error.encoding}.", hint) from None
    except RecursionError:
        raise InputError(f"{name}: not JSON: the values are nested too deeply.", hint) from None
    except _DuplicateKey as error:
        raise InputError(f"{name}: duplicate key {error.key!r}.", hint) from None
    except ValueError as error:  # a number of thousands of digits
        raise InputError(f"{name}: not JSON: {error}.", hint) from None


class _DuplicateKey(ValueError):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _DuplicateKey(next(key for key in keys if keys.count(key) > 1))
    return made


def _valid(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _valid(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_valid(item) for item in value]
    return value
