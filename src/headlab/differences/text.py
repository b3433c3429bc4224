"""What differs between two model files, in lines for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headlab.differences.differences import Differences, TensorDifference

_SHOWN = 20


def difference_lines(found: Differences) -> list[str]:
    """What differs, section by section; one line if nothing does."""
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
    settings = [f"  {key}: {_short(old)} -> {_short(new)}" for key, old, new in found.settings]
    lines += _section("settings of modules", settings)
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
