"""Reading annotations and photos' headers, against the plain ways in naive_boxes.py.

Whole processes are timed, so that importing polars counts.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from measure import Row, interleaved

RUNS = 3
NAIVE = str(Path(__file__).with_name("naive_boxes.py"))
LINES, IMAGES, BOXES, PHOTOS = 100_000, 117_266, 860_000, 10_000
CATEGORIES = 80

READ = "import sys; from headlab import boxes; print(boxes.read(sys.argv[1]).boxes.height)"
HEADERS = (
    "import sys; from pathlib import Path; from headlab.boxes.photos.sizes import read_headers; "
    "print(len(read_headers(sorted(map(str, Path(sys.argv[1]).iterdir())))))"
)


def rows() -> list[Row]:
    coco_rival = "pycocotools" if find_spec("pycocotools") else "json, loops"
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        texts = (
            _keras(folder / "train.txt"),
            _coco(folder / "coco.json"),
            _photos(folder / "photos"),
        )
        commands = {
            "keras": [sys.executable, "-c", READ, texts[0]],
            "naive keras": [sys.executable, NAIVE, "keras", texts[0]],
            "coco": [sys.executable, "-c", READ, texts[1]],
            "naive coco": [sys.executable, NAIVE, "coco", texts[1]],
            "headers": [sys.executable, "-c", HEADERS, texts[2]],
            "naive headers": [sys.executable, NAIVE, "headers", texts[2]],
        }
        costs = interleaved(commands, RUNS)

    def row(what: str, ours: str, rival: str, limit_s: float | None = None) -> Row:
        naive = costs[f"naive {ours}"].seconds
        return Row(what, "s", costs[ours].seconds, naive, rival, limit_s, of_ratio=False)

    return [
        row("100,000 keras-yolo3 lines", "keras", "Python loop", 1.0),
        row("860,000 COCO boxes", "coco", coco_rival, 6.0),
        row("10,000 JPEG headers", "headers", "Pillow"),
    ]


def _keras(path: Path) -> str:
    rng = random.Random(0)  # noqa: S311
    with path.open("w", encoding="utf-8") as file:
        for number in range(LINES):
            boxes = (_corners(rng) for _ in range(rng.choice((1, 1, 2, 3, 5))))
            words = (",".join(map(str, (*box, rng.randrange(20)))) for box in boxes)
            file.write(f"VOC2007/JPEGImages/{number:06}.jpg {' '.join(words)}\n")
    return str(path)


def _corners(rng: random.Random) -> tuple[int, int, int, int]:
    x, y = rng.randrange(1, 300), rng.randrange(1, 200)
    return x, y, x + rng.randrange(10, 200), y + rng.randrange(10, 175)


def _coco(path: Path) -> str:
    """A file like COCO's train2017, with a polygon of six points per box."""
    rng = random.Random(0)  # noqa: S311
    images = [
        {"id": number * 3, "file_name": f"{number:012}.jpg", "width": 640, "height": 480}
        for number in range(IMAGES)
    ]
    categories = [{"id": number + 1, "name": f"class {number}"} for number in range(CATEGORIES)]
    with path.open("w", encoding="utf-8") as file:
        file.write(f'{{"images": {json.dumps(images)}, "annotations": [')
        for number in range(BOXES):
            x, y, w, h = (round(rng.uniform(1, 200), 2) for _ in range(4))
            outline = [x, y, x + w / 2, y, x + w, y + h / 2, x + w, y + h, x, y + h, x, y + h / 2]
            annotation = {
                "segmentation": [[round(coordinate, 2) for coordinate in outline]],
                "area": round(w * h, 4),
                "iscrowd": int(number % 100 == 0),
                "image_id": rng.randrange(IMAGES) * 3,
                "bbox": [x, y, w, h],
                "category_id": rng.randrange(CATEGORIES) + 1,
                "id": number,
            }
            file.write((", " if number else "") + json.dumps(annotation))
        file.write(f'], "categories": {json.dumps(categories)}}}')
    return str(path)


def _photos(folder: Path) -> str:
    from PIL import Image

    folder.mkdir()
    for number in range(20):
        noise = Image.effect_noise((64 + number, 48), 90)
        noise.save(folder / f"{number:05}.jpg", exif=Image.Exif())
    contents = [path.read_bytes() for path in sorted(folder.iterdir())]
    for number in range(20, PHOTOS):
        (folder / f"{number:05}.jpg").write_bytes(contents[number % 20])
    return str(folder)
