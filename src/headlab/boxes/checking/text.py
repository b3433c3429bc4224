"""What a check of annotations found, as tables for a terminal and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.text import Text

from headlab.results.tables import heading, line, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from headlab.boxes.table import BoxTable, Problem

_FORMATS = {"keras": "keras-yolo3", "yolo": "YOLO", "voc": "Pascal VOC", "coco": "COCO"}
_STYLES = {"error": "bold red", "warning": "yellow"}
_SHOWN = 3
_CLASSES_SHOWN = 8


def findings_text(
    data: Sequence[str], boxes: BoxTable, found: Sequence[Problem], *, show_all: bool = False
) -> Iterator[RenderableType]:
    """The parts to print, in order.

    Args:
        data: what was checked.
        boxes: what was read.
        found: what was found.
        show_all: every finding, instead of the first few of each kind.
    """
    yield line(", ".join(data), "bold")
    yield from _summary(boxes)
    if not found:
        yield heading("Nothing is wrong.")
        return
    errors = sum(each.severity == "error" for each in found)
    warnings = len(found) - errors
    yield heading(f"{counted(errors, 'error')}, {counted(warnings, 'warning')}")
    kinds = kinds_of(found)
    yield table(
        ["", "kind", ">count"],
        [[Text(severity, style=_STYLES[severity]), kind, f"{n:,}"] for severity, kind, n in kinds],
    )
    for severity, kind, count in kinds:
        yield heading(kind)
        same = [each for each in found if (each.severity, each.kind) == (severity, kind)]
        shown = same if show_all else same[:_SHOWN]
        for each in shown:
            yield line(f"  {each.where}: {each.message}" if each.where else f"  {each.message}")
        if count > len(shown):
            yield line(f"  and {count - len(shown):,} more (--all shows them)", "dim")


def findings_document(
    data: Sequence[str], boxes: BoxTable, found: Sequence[Problem]
) -> dict[str, Any]:
    """The same for JSON."""
    return {
        "data": list(data),
        "format": boxes.format,
        "images": boxes.images.height,
        "boxes": boxes.boxes.height,
        "splits": _splits(boxes),
        "classes": [
            {"class_id": number, "class_name": boxes.class_name(number), "boxes": count}
            for number, count in _class_counts(boxes).items()
        ],
        "errors": sum(each.severity == "error" for each in found),
        "warnings": sum(each.severity == "warning" for each in found),
        "kinds": [
            {"severity": severity, "kind": kind, "count": count}
            for severity, kind, count in kinds_of(found)
        ],
        "findings": [asdict(each) for each in found],
    }


def kinds_of(found: Iterable[Problem]) -> list[tuple[str, str, int]]:
    """Severity, kind and count: errors first, the most frequent first."""
    counts = Counter((each.severity, each.kind) for each in found)
    ordered = sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))
    return [(severity, kind, count) for (severity, kind), count in ordered]


def counted(count: int, one: str, several: str = "") -> str:
    """The number with its word: "1 box", "2 boxes"."""
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def _summary(boxes: BoxTable) -> Iterator[Text]:
    yield line(f"  format   {_FORMATS[boxes.format]}")
    splits = ", ".join(f"{name} {count:,}" for name, count in _splits(boxes).items())
    yield line(f"  images   {boxes.images.height:,}" + (f" ({splits})" if splits else ""))
    counts = _class_counts(boxes)
    most = sorted(counts, key=lambda number: -counts[number])[:_CLASSES_SHOWN]
    listed = ", ".join(f"{boxes.class_name(number)} ({counts[number]:,})" for number in most)
    more = ", …" if len(counts) > len(most) else ""
    yield line(
        f"  boxes    {boxes.boxes.height:,}"
        + (f" of {counted(len(counts), 'class', 'classes')}: {listed}{more}" if counts else "")
    )


def _splits(boxes: BoxTable) -> dict[str, int]:
    named = boxes.images["split"].drop_nulls().to_list()
    return dict(Counter(named))


def _class_counts(boxes: BoxTable) -> dict[int, int]:
    """The number of boxes of each class that has a name or a box, by class number."""
    counts = Counter(boxes.boxes["class_id"].to_list())
    numbers = sorted({*range(len(boxes.class_names)), *counts})
    return {number: counts[number] for number in numbers}
