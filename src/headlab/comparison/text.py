"""Two models' detections side by side, as tables for a terminal and as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw
from rich.text import Text

from headlab.comparison.compare import KINDS
from headlab.results.fonts import default_font, font_for
from headlab.results.tables import heading, level_text, line, table
from headlab.trace.picture import Picture, draw

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray
    from rich.console import RenderableType

    from headlab.comparison.compare import Comparison
    from headlab.heads.layout import Layout

MOST_ROWS = 40
_GAP_SHARE = 0.01
_TITLE_SHARE = 0.02
_SMALLEST_TITLE_PX = 11
_MEANING = {
    "unchanged": "the same box and class in both models",
    "class changed": "the same box, another class",
    "lost": "only the first model has it",
    "new": "only the second model has it",
}


def comparison_text(comparison: Comparison, most_rows: int = MOST_ROWS) -> Iterator[RenderableType]:
    """The pairs where there are few, the counts, the class changes, and the inference.

    Args:
        comparison: what to show.
        most_rows: pairs listed at most; 0 lists none.
    """
    rows = comparison.pairs.to_dicts()
    if 0 < len(rows) <= most_rows:
        yield pair_table(comparison)
        yield ""
    counts = comparison.counts
    yield table([">detections", "", ""], [[counts[kind], kind, _MEANING[kind]] for kind in KINDS])
    if counts["class changed"]:
        what = "level and slot" if comparison.before.layout.has_slots else "level"
        yield heading(f"Class changes by {what} of the first model")
        yield change_table(comparison.pairs, comparison.before.layout)
    yield from inference_text(comparison)


def pair_table(comparison: Comparison) -> RenderableType:
    """One row per pair or unmatched detection."""
    inferred = comparison.shifts is not None
    many = comparison.before.images.height > 1
    columns = [*(["image"] if many else []), "before", "after", "kind", ">iou"]
    columns += ["inferred"] if inferred else []
    rows = []
    for row in comparison.pairs.to_dicts():
        frame = "" if row["frame"] is None else f":{row['frame']}"
        cells: list[object] = [f"{row['image'].rsplit('/', 1)[-1]}{frame}"] if many else []
        for side, trace in (("before", comparison.before), ("after", comparison.after)):
            cells.append(_side(row, side, trace.layout))
        cells.append(row["kind"])
        cells.append("-" if row["iou"] is None else f"{row['iou']:.2f}")
        cells += [_verdict(row, comparison.tells_slots)] if inferred else []
        rows.append(cells)
    return table(columns, rows)


def _side(row: Mapping[str, Any], side: str, layout: Layout) -> Text:
    if row[f"{side}_class_name"] is None:
        return Text("-")
    shown = line(f"{row[f'{side}_class_name']} {row[f'{side}_score']:.2f} ")
    slot = _slot_behind(row[f"{side}_slot"]) if layout.has_slots else ""
    return shown.append_text(level_text(row[f"{side}_level"], slot))


def _slot_behind(slot: int | None) -> str:
    return "" if slot is None else f"/{slot}"


def _verdict(row: Mapping[str, Any], tells_slots: bool) -> str:
    if row["agrees"] is None:
        return "-"
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
    counted = changed.group_by(keys).len().sort(["len", *keys], descending=[True] + [False] * 4)
    rows: list[list[object]] = []
    for place in layout.places:
        name = layout.levels[place.level].name
        is_here = (counted["before_level"] == name) & (counted["before_slot"] == place.slot)
        here = counted.filter(is_here).to_dicts()
        shown = [
            f"{r['before_class_name']} -> {r['after_class_name']} ({r['len']})" for r in here[:4]
        ]
        more = f", … {len(here) - 4} more" if len(here) > 4 else ""
        if here:
            slot = _slot_behind(place.slot) if layout.has_slots else ""
            rows.append(
                [level_text(name, slot), sum(r["len"] for r in here), ", ".join(shown) + more]
            )
    return table(["level", ">changed", "before -> after (how often)"], rows)


def inference_text(comparison: Comparison) -> Iterator[RenderableType]:
    """Whether the class changes tell the level, or level and slot, and what misleads the eye."""
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
    open_ones = comparison.left_open
    if open_ones:
        each = "anchor" if slots else "level"
        yield line(
            f"{open_ones} of them leave it open between {each}s of equal shift: give each {each} its own."
        )
    extra = comparison.counts["new"]
    if extra:
        yield line(
            f"Only the second model shows {extra} box{'' if extra == 1 else 'es'} more. These are no new "
            f"objects: NMS merges boxes of one class, and now the {'anchors' if slots else 'levels'} "
            "label one object differently. "
            "Counted by eye they mislead; matched by box they do not."
        )


def side_by_side(
    image_bgr: NDArray[np.uint8],
    before: pl.DataFrame,
    after: pl.DataFrame,
    strides_px: tuple[Mapping[str, int], Mapping[str, int]],
    titles: tuple[str, str],
) -> Picture:
    """The first model's detections on the left, the second's on the right.

    Args:
        image_bgr: uint8, shape (H, W, 3).
        before: traced detections of the first model on this image.
        after: traced detections of the second model on this image.
        strides_px: stride by level name, of each model, for the legends.
        titles: what to write above the two.
    """
    left, right = (
        draw(image_bgr, detections, strides)
        for detections, strides in zip((before, after), strides_px, strict=True)
    )
    width, height = left.image.size
    gap = max(2, round(width * _GAP_SHARE))
    font_px = max(_SMALLEST_TITLE_PX, round(width * _TITLE_SHARE))
    top = 2 * font_px
    both = Image.new("RGB", (2 * width + gap, top + height), "white")
    canvas = ImageDraw.Draw(both)
    for x, side, title in zip((0, width + gap), (left, right), titles, strict=True):
        both.paste(side.image, (x, top))
        font = font_for(title, font_px) or default_font(font_px)
        canvas.text((x + font_px // 2, font_px), title, fill="black", font=font, anchor="lm")
    return Picture(both, tuple(dict.fromkeys((*left.notes, *right.notes))))
