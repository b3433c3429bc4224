"""Layouts made by hand, for tests that need no model."""

from __future__ import annotations

from headlab.heads.layout import ClassRows, Layout, Level

NAMES = ("ant", "bee", "cat", "dog")


def layout_of(
    names: tuple[str, ...] = NAMES, *, levels: int = 3, slots: int = 1, branches: int = 1
) -> Layout:
    """P3, P4, … of one convolution per branch, whose rows per slot are the class rows alone."""
    return Layout(
        head="Detect",
        task="detect",
        levels=tuple(
            Level(
                f"P{at + 3}",
                8 << at,
                slots,
                tuple(
                    ClassRows(branch, f"{branch}.{at}.weight", f"{branch}.{at}.bias", 0, len(names))
                    for branch in ("one2many", "one2one")[:branches]
                ),
            )
            for at in range(levels)
        ),
        class_names=names,
        end_to_end=False,
        rotated=False,
    )
