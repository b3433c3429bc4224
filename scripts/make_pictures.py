"""Make the picture of README.md: a drawn scene, traced with the embedded detector."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from PIL import Image

from headlab.demo.guide import saved_model
from headlab.demo.scenes import draw_scene
from headlab.files.atomic import write_bytes
from headlab.trace.picture import draw

SEED, SIZE_PX = 3, 480
TARGET = Path(__file__).resolve().parents[1] / "docs" / "images" / "field.png"


def main() -> None:
    """Write docs/images/field.png."""
    image = draw_scene(SEED, SIZE_PX).image
    with tempfile.TemporaryDirectory() as folder:
        scene = Path(folder) / "scene.png"
        Image.fromarray(image).save(scene)
        model = saved_model(Path(folder))
        found = model.trace(scene, imgsz=SIZE_PX).detections
    picture = draw(image[:, :, ::-1], found, model.layout.stride_by_level)
    encoded = io.BytesIO()
    # 256 colours are enough here, and half as many bytes.
    few = picture.image.quantize(256, dither=Image.Dither.NONE)
    few.save(encoded, "PNG", optimize=True)
    write_bytes(TARGET, encoded.getvalue())
    print(f"wrote {TARGET.name}, {len(found)} detections")


if __name__ == "__main__":
    main()
