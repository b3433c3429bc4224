"""YOLOv3's forward pass against pytorchyolo's and OpenCV's, and loading against reading the file.

"unpacked" is headlab itself without the packed convolutions of `headlab.yolov3.packed`, which use private
operations of PyTorch and stay only as long as they are worth it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median

from measure import Row
from workers import answer, in_turn
from yolov3_material import model_file, packages

ROUNDS = {("yolov3-tiny", 1): 31, ("yolov3-tiny", 8): 9, ("yolov3", 1): 9, ("yolov3", 8): 5}
RIVALS = {"pytorchyolo": "pytorchyolo", "opencv": "OpenCV 4.10"}
LIMITS = {"pytorchyolo": 1 / 1.3, "opencv": 1.0}
UNPACKED_LIMITS = {("yolov3-tiny", 1): 1 / 1.15}
LOADING_LIMIT = 1.5
MEMORY_LIMIT = 1.3


def rows() -> Iterator[Row]:
    folders = {rival: folder for rival in RIVALS if (folder := packages(rival)) is not None}
    for (variant, batch), rounds in ROUNDS.items():
        milliseconds = forward_ms(model_file(variant), batch, rounds, folders)
        what = f"{variant.replace('yolov', 'YOLOv')}, batch {batch}"
        ours = milliseconds["ours"] / batch
        for rival in folders:
            theirs = milliseconds[rival] / batch
            yield Row(what, "ms/image", ours, theirs, RIVALS[rival], LIMITS[rival])
        theirs, limit = milliseconds["unpacked"] / batch, UNPACKED_LIMITS.get((variant, batch))
        yield Row(what, "ms/image", ours, theirs, "unpacked", limit)
    full, tiny = str(model_file("yolov3")), str(model_file("yolov3-tiny"))
    loading = answer("yolov3_loading.py", "time", full)
    yield Row(
        "YOLOv3, loading 248 MB",
        "ms",
        loading["load_ms"],
        loading["read_ms"],
        "reading it",
        LOADING_LIMIT,
    )
    if Path("/proc/self/clear_refs").exists():
        memory = answer("yolov3_loading.py", "memory", full, tiny)
        needed = memory["weights_mb"] + memory["activations_mb"]
        yield Row(
            "YOLOv3, peak memory", "MB", memory["peak_mb"], needed, "weights+act.", MEMORY_LIMIT
        )


def forward_ms(
    weights: Path, batch: int, rounds: int, folders: Mapping[str, Path]
) -> dict[str, float]:
    """The median milliseconds of a forward pass by network, one of each in turn."""
    names = ("ours", "unpacked", *folders)
    arguments = {name: (name, str(weights), str(batch)) for name in names}
    steps = in_turn("yolov3_worker.py", arguments, rounds, folders)
    return {name: median(step for (step,) in its) for name, its in steps.items()}
