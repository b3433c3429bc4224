"""Draw the house of docs/design.md: a floor for each row of imports, a room for each package.

    .venv/bin/python scripts/draw_house.py

writes docs/images/house.svg. The picture has its own light background, so that it can be read in a dark page.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "house.svg"


@dataclass(frozen=True)
class Room:
    """A package: its name, what it is about, and the command that lives there, if one does."""

    package: str
    about: str
    command: str = ""


# Highest first: a floor's rooms import from the floors below, never from each other.
FLOORS = (
    (Room("__main__", "python -m headlab"),),
    (Room("cli", "one thin file per command: parse, call, print, exit code"),),
    (Room("__init__", "the front door: everything that a user of Python reaches"),),
    (Room("demo", "drawn scenes, the embedded detector, the guided tour", "demo"),),
    (
        Room("model", "Model, load, compare: a checkpoint with its head described"),
        Room("run", "Run, load_run: a stored run"),
    ),
    (
        Room("comparison", "two models on the same photos", "compare"),
        Room("conversion", "YOLOv3 files into one another", "convert"),
        Room("train", "configuration, data, loop, watching", "train"),
    ),
    (
        Room("inspection", "what a head is made of", "inspect"),
        Room("edit", "class rows rewritten", "edit"),
        Room("differences", "two files, row by row", "diff"),
        Room("trace", "where detections come from", "trace"),
        Room("anchors", "fit, check, per class", "anchors"),
        Room("evaluate", "COCO's figures, by address", "evaluate"),
    ),
    (Room("runs", "what one pass of a network made of images, stored"),),
    (Room("families", "the table of model families: recognise, describe, build, detect"),),
    (Room("detect", "prediction that keeps the index of every survivor of NMS"),),
    (Room("yolov3", "YOLOv3's networks, decoding, targets, loss, augmentation"),),
    (Room("boxes", "annotations of five formats as one table", "boxes"),),
    (Room("heads", "the layout of a head; levels, cells, slots, addresses; anchor files"),),
    (Room("checkpoint", "model files as named tensors, and back; manifests"),),
    (Room("results", "what all results share: tables, documents, plots, pictures"),),
    (Room("files", "atomic writes, text, YAML and JSON with lines in errors"),),
    (Room("extras", "what to install for a command whose packages are missing"),),
    (
        Room("errors", "every error raised on purpose"),
        Room("plain_text", "text made safe to print"),
        Room("_version", "the version"),
    ),
)

LEFT, RIGHT, ROOF, BASE = 70, 890, 110, 24
WIDTH = 960
LOW, HIGH = 40, 84  # heights of a floor with one room, and with several
STYLE = """
  text { font-family: system-ui, sans-serif; fill: #1f2933; }
  .room { font-family: ui-monospace, monospace; font-size: 14px; font-weight: 700; }
  .about { font-size: 11.5px; fill: #52606d; }
  .command { font-family: ui-monospace, monospace; font-size: 11px; fill: #ffffff; }
  .side { font-size: 12px; fill: #52606d; }
"""


def plate_width(command: str) -> float:
    """Of the plate of a command, in the picture's units."""
    return 6.8 * len(f"headlab {command}") + 12


def plate(command: str, x: float, y: float) -> str:
    """The plate of a command, with its upper left corner at x, y."""
    width = plate_width(command)
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="17" rx="4" fill="#0072b2"/>'
        f'<text class="command" x="{x + 6:g}" y="{y + 12.5:g}">headlab {command}</text>'
    )


def wide_room(room: Room, y: float) -> Iterator[str]:
    """The one room of a floor: everything in one line."""
    yield f'<text class="room" x="{LEFT + 14}" y="{y + 25:g}">{room.package}</text>'
    yield f'<text class="about" x="{LEFT + 124}" y="{y + 25:g}">{escape(room.about)}</text>'
    if room.command:
        yield plate(room.command, RIGHT - 14 - plate_width(room.command), y + 12)


def narrow_room(room: Room, x: float, y: float, width: float) -> Iterator[str]:
    """One of several rooms of a floor: name, what it is about, and command below each other."""
    yield f'<text class="room" x="{x + 10:g}" y="{y + 21:g}">{room.package}</text>'
    lines = textwrap.wrap(room.about, int((width - 16) / 5.9))
    for number, line in enumerate(lines):
        at = y + 37 + 13 * number
        yield f'<text class="about" x="{x + 10:g}" y="{at:g}">{escape(line)}</text>'
    if room.command:
        yield plate(room.command, x + 9, y + HIGH - 23)


def house() -> str:
    """The whole picture."""
    heights = [LOW if len(rooms) == 1 else HIGH if rooms[0].command else 48 for rooms in FLOORS]
    bottom = ROOF + sum(heights)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + BASE}"'
        f' width="{WIDTH}" height="{bottom + BASE}" role="img">',
        "<title>The packages of headlab as the floors of a house: imports go down only</title>",
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{bottom + BASE}" rx="10" fill="#f5f7fa"/>',
        f'<polygon points="{LEFT - 26},{ROOF} {RIGHT + 26},{ROOF} {(LEFT + RIGHT) / 2:g},18"'
        ' fill="#d55e00" stroke="#8a3d00" stroke-width="2" stroke-linejoin="round"/>',
        f'<text x="{(LEFT + RIGHT) / 2:g}" y="84" text-anchor="middle" font-size="26"'
        ' font-weight="700" style="fill: #ffffff">headlab</text>',
    ]
    y = ROOF
    for number, (rooms, height) in enumerate(zip(FLOORS, heights, strict=True)):
        ground = number == len(FLOORS) - 1
        fill = "#cbd2d9" if ground else "#ffffff" if number % 2 else "#eef2f6"
        width = (RIGHT - LEFT) / len(rooms)
        for index, room in enumerate(rooms):
            x = LEFT + index * width
            parts.append(
                f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height}" fill="{fill}"'
                ' stroke="#7b8794"/>'
            )
            parts += narrow_room(room, x, y, width) if len(rooms) > 1 else wide_room(room, y)
        y += height
    middle = (ROOF + bottom) / 2
    parts += [
        f'<line x1="36" y1="{ROOF + 20}" x2="36" y2="{bottom - 20}" stroke="#52606d" stroke-width="2"/>',
        f'<polygon points="30,{bottom - 22} 42,{bottom - 22} 36,{bottom - 10}" fill="#52606d"/>',
        f'<text class="side" transform="translate(25 {middle:g}) rotate(-90)" text-anchor="middle">'
        "imports go down only</text>",
        "</svg>\n",
    ]
    return "\n".join(parts)


if __name__ == "__main__":
    PICTURE.write_text(house(), "utf-8")
    print(f"wrote {PICTURE}")
