"""Two models' detections side by side, as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rich.text import Text

from headlab.comparison.matching import KINDS
from headlab.plain_text import counted
from headlab.results.tables import NOTHING, heading, level_text, line, table

if TYPE_CHECKING:
    import polars as pl
    from rich.console import RenderableType

    from headlab.comparison.compare import ComparedImage, Comparison
    from headlab.heads.layout import Layout

MOST_ROWS = 40
_MEANING = {
    "unchanged": "the same box, class and score in both models",
    "score changed": "the same class, another score",
    "box moved": "the same class and score, a box that overlaps it",
    "class changed": "another class at the same place",
    "lost": "only the first model has it",
    "new": "only the second model has it",
}


def comparison_text(comparison: Comparison, most_rows: int = MOST_ROWS) -> Iterator[RenderableType]:
    """The pairs where there are few, the counts, the class changes, and the inference.

    Args:
        comparison: what to show.
        most_rows: pairs listed at most; 0 lists none.
    """
    if 0 < comparison.pairs.height <= most_rows:
        layouts = comparison.before.layout, comparison.after.layout
        yield pair_table(
            comparison.pairs, layouts, comparison.tells_slots, with_image=len(comparison) > 1
        )
        yield ""
    resizes = comparison.before.settings.resize, comparison.after.settings.resize
    if resizes[0] != resizes[1]:
        yield line(
            f"The first model's photos are resized by {resizes[0]}, the second's by {resizes[1]}, as their "
            "files say: boxes and scores differ for that, too. --resize sets one way for both.",
            "yellow",
        )
    counts = comparison.counts
    meaning = _MEANING | {
        "score changed": _MEANING["score changed"] + _by_how_much(comparison.pairs)
    }
    yield table([">detections", "", ""], [[counts[kind], kind, meaning[kind]] for kind in KINDS])
    if counts["class changed"]:
        what = "level and slot" if comparison.before.layout.has_slots else "level"
        yield heading(f"Class changes by {what} of the first model")
        yield change_table(comparison.pairs, comparison.before.layout)
    yield from inference_text(comparison)


def _by_how_much(pairs: pl.DataFrame) -> str:
    """The range of the changes of scores, to follow what they are."""
    changed = pairs.filter(pairs["kind"] == "score changed")
    change = (changed["after_score"] - changed["before_score"]).to_list()
    if not change:
        return ""
    low, high = f"{min(change):+.3f}", f"{max(change):+.3f}"
    return f" ({low})" if low == high else f" ({low} to {high})"


def image_text(image: ComparedImage) -> Iterator[RenderableType]:
    """One image or frame: a heading, and a row per pair or unmatched detection."""
    yield line(image.summary, "bold")
    if image.pairs.height:
        layouts = image.before.layout, image.after.layout
        yield pair_table(image.pairs, layouts, image.tells_slots, with_image=False)


def pair_table(
    pairs: pl.DataFrame, layouts: tuple[Layout, Layout], tells_slots: bool, *, with_image: bool
) -> RenderableType:
    """One row per pair or unmatched detection.

    Args:
        pairs: rows of `Comparison.pairs`.
        layouts: of both models' heads.
        tells_slots: a class change may tell the slot, too.
        with_image: with a column that names the image.
    """
    inferred = "agrees" in pairs.columns
    columns = [*(["image"] if with_image else []), "before", "after", "kind", ">iou"]
    columns += ["inferred"] if inferred else []
    rows = []
    for row in pairs.to_dicts():
        frame = "" if row["frame"] is None else f":{row['frame']}"
        cells: list[object] = [f"{row['image'].rsplit('/', 1)[-1]}{frame}"] if with_image else []
        for side, layout in zip(("before", "after"), layouts, strict=True):
            cells.append(_side(row, side, layout))
        cells.append(row["kind"])
        cells.append(NOTHING if row["iou"] is None else f"{row['iou']:.2f}")
        cells += [_verdict(row, tells_slots)] if inferred else []
        rows.append(cells)
    return table(columns, rows)


def _side(row: Mapping[str, Any], side: str, layout: Layout) -> Text:
    if row[f"{side}_class_name"] is None:
        return Text(NOTHING)
    shown = line(f"{row[f'{side}_class_name']} {row[f'{side}_score']:.2f} ")
    slot = _slot_behind(row[f"{side}_slot"]) if layout.has_slots else ""
    return shown.append_text(level_text(row[f"{side}_level"], slot))


def _slot_behind(slot: int | None) -> str:
    return "" if slot is None else f"/{slot}"


def _verdict(row: Mapping[str, Any], tells_slots: bool) -> str:
    if row["agrees"] is None:
        return NOTHING
    if row["inferred_level"] is None:
        return "no level wrong"
    named = row["inferred_level"] + _slot_behind(row["inferred_slot"])
    if tells_slots and row["inferred_slot"] is None:
        return f"{named} open"
    return f"{named} {'right' if row['agrees'] else 'wrong'}"


def change_table(pairs: pl.DataFrame, layout: Layout) -> RenderableType:
    """How often each class change occurs at each level, or slot, the most frequent first."""
    changed = pairs.filter(pairs["kind"] == "class changed")
    keys = ["before_level", "before_slot", "before_class_name", "after_class_name"]
    changes = changed.group_by(keys).len().sort(["len", *keys], descending=[True] + [False] * 4)
    rows: list[list[object]] = []
    for place in layout.places:
        name = layout.levels[place.level].name
        is_here = (changes["before_level"] == name) & (changes["before_slot"] == place.slot)
        here = changes.filter(is_here).to_dicts()
        shown = [
            f"{row['before_class_name']} -> {row['after_class_name']} ({row['len']})"
            for row in here[:4]
        ]
        more = f", … {len(here) - 4} more" if len(here) > 4 else ""
        if here:
            slot = _slot_behind(place.slot) if layout.has_slots else ""
            count = sum(row["len"] for row in here)
            rows.append([level_text(name, slot), count, ", ".join(shown) + more])
    return table(["level", ">changed", "before -> after (how often)"], rows)


def inference_text(comparison: Comparison) -> Iterator[RenderableType]:
    """Whether the class changes name the level, or level and slot, and what misleads the eye."""
    if comparison.shifts is None:
        return
    shifts = ", ".join(f"{name} by {by}" for name, by in comparison.shifts.items())
    right, of = comparison.inference
    yield heading(f"The class-shift experiment ({shifts})")
    slots = comparison.tells_slots
    yield line(
        f"The class change names the level{' and anchor' if slots else ''} that the address states for "
        f"{right} of {of} matched detections."
    )
    if comparison.left_open:
        part = "anchor" if slots else "level"
        yield line(
            f"{comparison.left_open} of them leave it open between {part}s of equal shift: give each {part} "
            "a shift of its own."
        )
    extra = comparison.counts["new"]
    if extra:
        yield line(
            f"The second model shows {counted(extra, 'more box', 'more boxes')}. They are not new objects: "
            f"NMS merges boxes of one class only, and now the {'anchors' if slots else 'levels'} give one "
            "object different labels. Counted by eye they mislead; matched by box they do not."
        )
