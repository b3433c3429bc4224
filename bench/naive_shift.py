"""The plain way to shift class rows: load the network, roll the rows, save everything."""

from __future__ import annotations

import sys

import torch
from ultralytics import YOLO

SHIFTS = ((1, 1), (2, 5))  # level index of P4 and P5, rows


def main(source: str, target: str) -> None:
    model = YOLO(source)
    head = model.model.model[-1]
    with torch.no_grad():
        for level, by in SHIFTS:
            rows = head.cv3[level][2]
            rows.weight.copy_(rows.weight.roll(by, dims=0))
            rows.bias.copy_(rows.bias.roll(by, dims=0))
    model.save(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
