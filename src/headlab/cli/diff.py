"""`headlab diff`: what differs between two model files."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headlab.cli.options import FILE
from headlab.cli.terminal import say

if TYPE_CHECKING:
    from headlab.differences.differences import Differences, TensorDifference

_SHOWN = 20


@click.command
@click.argument("a", type=FILE)
@click.argument("b", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def diff(a: Path, b: Path, as_json: bool) -> None:
    """Compare two model files without running anything in them.

    A and B are model files: .pt, .weights, .h5 or .safetensors. Shows tensors added, removed, reshaped and
    changed, which class rows moved or changed on which level or slot, and what differs in class names and
    metadata. Compared are the weights that would be loaded.

    Exit code: 0 nothing differs, 1 something does, 2 the input was wrong.
    """
    from headlab.differences.differences import differences
    from headlab.families.read import read

    found = differences(read(a), read(b))
    if as_json:
        from headlab.files.json_text import to_json

        sys.stdout.write(to_json({"same": not found, **asdict(found)}))
    else:
        for line in _lines(found):
            say(line)
    if found:
        raise click.exceptions.Exit(1)


def _lines(found: Differences) -> list[str]:
    if not found:
        return ["Nothing differs: the same tensors, class names and metadata."]
    lines: list[str] = []
    if found.levels:
        lines.append("class rows")
        lines += [f"  {each.place}: {each.words}" for each in found.levels]
    elif found.unexplained:
        lines.append(f"class rows were not compared: {found.unexplained}")
    lines += _section("tensors only in B", [f"  {name}" for name in found.added])
    lines += _section("tensors only in A", [f"  {name}" for name in found.removed])
    lines += _section("tensors that differ", [_tensor_line(each) for each in found.tensors])
    lines += _section("class names", _name_lines(found))
    metadata = [f"  {key}: {_short(old)} -> {_short(new)}" for key, old, new in found.metadata]
    return lines + _section("metadata", metadata)


def _section(title: str, lines: list[str]) -> list[str]:
    if not lines:
        return []
    more = [f"  and {len(lines) - _SHOWN} more (--json shows all)"] if len(lines) > _SHOWN else []
    return [f"{title} ({len(lines)})", *lines[:_SHOWN], *more]


def _tensor_line(each: TensorDifference) -> str:
    parts = []
    if each.shapes[0] != each.shapes[1]:
        parts.append(f"shape {_shape(each.shapes[0])} -> {_shape(each.shapes[1])}")
    if each.dtypes[0] != each.dtypes[1]:
        parts.append(f"{each.dtypes[0]} -> {each.dtypes[1]}")
    if each.changed is not None:
        parts.append(f"{each.changed} elements, by up to {each.largest:.4g}")
    return f"  {each.name}: {', '.join(parts)}"


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _name_lines(found: Differences) -> list[str]:
    """Number by number where both have as many classes; else which classes went and came."""
    if all(old is not None and new is not None for _, old, new in found.names):
        return [f"  {number}: {old} -> {new}" for number, old, new in found.names]
    old_names = [old for _, old, _ in found.names if old is not None]
    new_names = [new for _, _, new in found.names if new is not None]
    gone = [f"  gone: {name}" for name in old_names if name not in new_names]
    came = [f"  new: {name}" for name in new_names if name not in old_names]
    return [*came, *gone] or ["  the same names under other numbers"]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:59] + "…"
