"""Check annotations: what is wrong with lines, boxes, classes, photos and splits."""

from __future__ import annotations

from headlab.boxes.checking.boxes import box_findings, class_findings
from headlab.boxes.checking.images import listing_findings, photo_findings
from headlab.boxes.photos.sizes import CORRUPT, MISSING
from headlab.boxes.table import BoxTable, Problem


def check(table: BoxTable, *, photos: bool = True, deep: bool = False) -> list[Problem]:
    """Everything that is wrong or odd: first what reading found, then boxes, classes, images.

    Args:
        table: as `headlab.boxes.read` gives it.
        photos: look at the photos, too: whether they are there, their sizes, and whether two are the same.
        deep: decode every photo, which finds those that are cut off.
    """
    found = list(table.problems)
    if photos:  # the photos are looked at again, all of them
        found = [each for each in found if each.kind not in (MISSING, CORRUPT)]
    found += box_findings(table)
    found += class_findings(table)
    found += listing_findings(table)
    if photos:
        found += photo_findings(table, deep=deep)
    return found
