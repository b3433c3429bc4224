"""Read a YAML file as plain values, refusing what YAML itself lets pass: a key that stands there twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from headlab.errors import RecipeError


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader, but a duplicate key is an error instead of silently the last one."""


def _mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen = set()
    for key_node, _ in node.value:
        key = (key_node.tag, key_node.value) if isinstance(key_node, yaml.ScalarNode) else None
        if key in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key_node.value!r} stands there twice", key_node.start_mark
            )
        if key is not None:
            seen.add(key)
    loader.flatten_mapping(node)
    return dict(loader.construct_mapping(node, deep=True))


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path) -> Any:
    """The file's contents as plain values.

    Raises:
        RecipeError: it cannot be read or is not YAML; the message has the line.
    """
    try:
        return yaml.load(path.read_text("utf-8"), Loader=_StrictLoader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: not text in UTF-8 (byte {error.start}).") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise RecipeError(f"{path}{line}: {error.problem}.", "A recipe is a YAML file.") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise RecipeError(f"{path}: not YAML: {error}.", "A recipe is a YAML file.") from None
