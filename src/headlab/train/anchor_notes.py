"""What `headlab anchors check` would say of the anchors of a training: that they are for another size."""

from __future__ import annotations

from collections.abc import Iterator

from headlab.anchors.checking.check import check
from headlab.boxes.table import BoxTable
from headlab.errors import InputError
from headlab.heads.anchor_files import read_anchor_set
from headlab.heads.anchor_set import AnchorSet, anchor_set
from headlab.plain_text import size_text
from headlab.train.configuration.config import TrainConfig


def anchor_notes(config: TrainConfig, decided: TrainConfig, table: BoxTable) -> Iterator[str]:
    """Sentences about anchors that do not have the size of the boxes at the network's input.

    Args:
        config: says where the anchors are from.
        decided: has the anchors.
        table: the training boxes.
    """
    if config.anchors == "fit":
        return
    anchors = _anchors(config, decided)
    if anchors.input_hw is not None and anchors.input_hw != decided.imgsz:
        yield (
            f"{anchors.source} is for an input of {size_text(anchors.input_hw)}; this training has "
            f"{size_text(decided.imgsz)}."
        )
    try:
        checked = check(anchors, table, imgsz=decided.imgsz)
    except InputError:
        return  # the sizes of the photos are unknown, so that nothing is known of the boxes at the input
    for finding in checked.findings:
        if finding.kind == "units" and finding.severity != "note":
            yield f"Anchors: {finding.message} --anchors fit fits them to the training boxes."


def _anchors(config: TrainConfig, decided: TrainConfig) -> AnchorSet:
    if isinstance(config.anchors, str) and config.anchors != "start":
        return read_anchor_set(config.anchors)
    return anchor_set(list(map(list, decided.anchors)), decided.masks)
