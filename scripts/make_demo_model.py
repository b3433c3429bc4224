"""Draw the blood-smear scenes, train the demonstration detector on them, save one small file.

The detector has the architecture of YOLOv8 at a scale of its own (1/16 of the full width).
Everything happens offline and in a temporary folder; only the finished checkpoint is kept.
On two CPU cores the default run takes about half an hour.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from headlab.demo.scenes import CLASS_NAMES, draw_scene

DEFAULT_OUT = Path(__file__).resolve().parents[1] / "src" / "headlab" / "demo" / "demo.pt"
SCALE = ("d", [0.33, 0.0625, 1024])  # depth, width, largest channel count before width
LEVELS_STRIDE_PX = {"P3": 8, "P4": 16, "P5": 32}
FIRST_BOX_SIDE_PX = {"P3": 13.0, "P4": 47.0, "P5": 130.0}
SPLIT_FIRST_SEED = {"train": 100_000, "val": 200_000, "test": 300_000}
KEPT_TRAIN_ARGS = ("task", "mode", "imgsz", "epochs", "batch", "seed", "optimizer", "lr0", "cos_lr")

# YOLOv8's own graph (ultralytics cfg/models/v8/yolov8.yaml): [from, repeats, module, arguments].
BACKBONE = [
    [-1, 1, "Conv", [64, 3, 2]],
    [-1, 1, "Conv", [128, 3, 2]],
    [-1, 3, "C2f", [128, True]],
    [-1, 1, "Conv", [256, 3, 2]],
    [-1, 6, "C2f", [256, True]],
    [-1, 1, "Conv", [512, 3, 2]],
    [-1, 6, "C2f", [512, True]],
    [-1, 1, "Conv", [1024, 3, 2]],
    [-1, 3, "C2f", [1024, True]],
    [-1, 1, "SPPF", [1024, 5]],
]
HEAD = [
    [-1, 1, "nn.Upsample", [None, 2, "nearest"]],
    [[-1, 6], 1, "Concat", [1]],
    [-1, 3, "C2f", [512]],
    [-1, 1, "nn.Upsample", [None, 2, "nearest"]],
    [[-1, 4], 1, "Concat", [1]],
    [-1, 3, "C2f", [256]],
    [-1, 1, "Conv", [256, 3, 2]],
    [[-1, 12], 1, "Concat", [1]],
    [-1, 3, "C2f", [512]],
    [-1, 1, "Conv", [512, 3, 2]],
    [[-1, 9], 1, "Concat", [1]],
    [-1, 3, "C2f", [1024]],
    [[15, 18, 21], 1, "Detect", ["nc"]],
]


def main() -> None:
    """Draw, train, save, report."""
    args = parse_args()
    with tempfile.TemporaryDirectory(prefix="headlab-demo-") as folder:
        work = args.work or Path(folder)
        prepare_offline(work)
        data = draw_splits(work, args)
        best = train(work, data, args)
        save(best, args.out)
        report(args.out, data, work, args)


def parse_args() -> argparse.Namespace:
    """Options; the defaults make the detector that headlab ships."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--images", type=int, default=1400, help="training scenes")
    parser.add_argument("--imgsz", type=int, default=320, help="side of scene and input, px")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="checkpoint to write")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--work", type=Path, help="keep scenes and training log here")
    return parser.parse_args()


def prepare_offline(work: Path) -> None:
    """Keep ultralytics off the network and off the user's settings. Call before it is imported."""
    config = work / "config"
    config.mkdir(parents=True, exist_ok=True)
    os.environ.update(YOLO_OFFLINE="1", YOLO_AUTOINSTALL="0", YOLO_CONFIG_DIR=str(config))
    from ultralytics import settings
    from ultralytics.utils import USER_CONFIG_DIR

    settings.update({"sync": False})
    # A font is fetched when it is missing, even with plots off. An empty one is never opened.
    (Path(USER_CONFIG_DIR) / "Arial.ttf").touch()


def draw_splits(work: Path, args: argparse.Namespace) -> Path:
    """Draw train, val and test scenes of disjoint seeds; returns the data file of all three."""
    held_out = max(args.images // 6, 8)
    counts = {"train": args.images, "val": held_out, "test": held_out}
    jobs = [
        (work / "scenes", split, SPLIT_FIRST_SEED[split] + i, args.imgsz)
        for split, count in counts.items()
        for i in range(count)
    ]
    for split in counts:
        for kind in ("images", "labels"):
            (work / "scenes" / kind / split).mkdir(parents=True, exist_ok=True)
    with get_context("spawn").Pool(args.threads) as pool:
        pool.starmap(draw_one, jobs, chunksize=16)
    data = work / "data.yaml"
    splits = {split: f"images/{split}" for split in counts}
    names = dict(enumerate(CLASS_NAMES))
    data.write_text(
        yaml.safe_dump({"path": str(work / "scenes"), **splits, "names": names}), "utf-8"
    )
    return data


def draw_one(folder: Path, split: str, seed: int, size_px: int) -> None:
    """Write one scene's image and its label file, in YOLO's text format.

    A row is: class, centre x, centre y, width, height, the last four as shares of the image's side.
    """
    scene = draw_scene(seed, size_px)
    corners = scene.boxes_xyxy_px / size_px
    centres, sizes = (corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]
    rows = np.column_stack([scene.classes, centres, sizes])
    np.savetxt(folder / "labels" / split / f"{seed}.txt", rows, fmt=["%d"] + ["%.6f"] * 4)
    bgr = cv2.cvtColor(scene.image, cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(folder / "images" / split / f"{seed}.png"), bgr)


def train(work: Path, data: Path, args: argparse.Namespace) -> Path:
    """Train from random weights; returns the checkpoint of the best validation epoch.

    Scenes vary already, so augmentation is light; without mosaic every cell keeps its size, and
    with it its level.
    """
    import torch
    from ultralytics import YOLO

    graph = {"nc": len(CLASS_NAMES), "scales": dict([SCALE]), "backbone": BACKBONE, "head": HEAD}
    graph_file = work / "demo-detector.yaml"
    graph_file.write_text(yaml.safe_dump(graph), "utf-8")
    model = YOLO(str(graph_file), task="detect")
    model.add_callback("on_pretrain_routine_end", expect_box_sides)
    # ultralytics leaves one core idle when it picks a CPU.
    model.add_callback("on_train_start", lambda _: torch.set_num_threads(args.threads))
    started = time.monotonic()
    model.train(
        data=str(data), epochs=args.epochs, imgsz=args.imgsz, batch=16, device="cpu", workers=1,
        cache="ram", seed=0, deterministic=True, plots=False, exist_ok=True, pretrained=False,
        project=str(work), name="run", optimizer="AdamW", lr0=0.004, lrf=0.01, cos_lr=True,
        warmup_epochs=2.0, amp=False, mosaic=0.0, close_mosaic=0, scale=0.08, translate=0.05,
        fliplr=0.5, flipud=0.5, hsv_h=0.01, hsv_s=0.2, hsv_v=0.15, erasing=0.0,
    )  # fmt: skip
    print(f"trained in {(time.monotonic() - started) / 60:.1f} min")
    return work / "run" / "weights" / "best.pt"


def expect_box_sides(trainer: Any) -> None:
    """Let each level start from boxes as large as the class meant for it (`FIRST_BOX_SIDE_PX`).

    ultralytics starts every level with equal shares over distances of 0 to 15 strides, so with
    boxes of 15 strides: 120 px at P3, which overlap a platelet of 12 px by (12 / 120)² = 0.01. The
    task-aligned assigner takes the overlap's sixth power: platelets would wait for many epochs,
    and the other classes settle on a lower level than the one of their size.
    """
    import torch

    for network in (trainer.model, trainer.ema.ema):
        head = network.model[-1]
        distances = torch.arange(head.reg_max, dtype=torch.float32)
        for branch, (level, stride_px) in zip(head.cv2, LEVELS_STRIDE_PX.items(), strict=True):
            expected = FIRST_BOX_SIDE_PX[level] / 2 / stride_px
            branch[-1].bias.data.copy_((-((distances - expected) ** 2)).repeat(4))


def save(best: Path, out: Path) -> None:
    """Write the half-precision network: no optimizer, and nothing about the training machine."""
    import torch
    from ultralytics.utils.torch_utils import strip_optimizer

    stored: dict[str, Any] = strip_optimizer(best)
    model = stored["model"]
    kept = {key: stored["train_args"][key] for key in KEPT_TRAIN_ARGS}
    model.args = dict(kept)
    model.yaml = {**model.yaml, "yaml_file": "demo-detector.yaml", "scale": SCALE[0]}
    model.names = dict(enumerate(CLASS_NAMES))
    fields = ("license", "docs", "version", "epoch", "optimizer", "ema", "updates", "best_fitness")
    out.parent.mkdir(parents=True, exist_ok=True)
    torch.save({**{key: stored[key] for key in fields}, "model": model, "train_args": kept}, out)
    print(f"saved {out.name}: {out.stat().st_size / 1e6:.2f} MB")


def report(weights: Path, data: Path, work: Path, args: argparse.Namespace) -> None:
    """Print the saved file's precision on the test scenes, and each class's levels."""
    from ultralytics import YOLO

    metrics = YOLO(str(weights)).val(
        data=str(data), split="test", imgsz=args.imgsz, device="cpu", workers=0, plots=False,
        project=str(work), name="test", exist_ok=True, verbose=False,
    )  # fmt: skip
    shares = level_shares(weights, work / "scenes" / "images" / "test")
    levels = "".join(f"{level:>8}" for level in LEVELS_STRIDE_PX)
    print(f"{'class':12}{'mAP50-95':>10}{'mAP50':>8}{levels}")
    print(f"{'all':12}{metrics.box.map:10.3f}{metrics.box.map50:8.3f}")
    for c, name in enumerate(CLASS_NAMES):
        levels = "".join(f"{share:8.1%}" for share in shares[c])
        print(f"{name:12}{metrics.box.maps[c]:10.3f}{metrics.box.ap50[c]:8.3f}{levels}")


def level_shares(weights: Path, images: Path, score: float = 0.25) -> NDArray[np.float64]:
    """Share of each class's detections per level, (classes, levels).

    NMS keeps flat indices, which run over the cells of P3, then of P4, then of P5.
    """
    import torch
    from ultralytics import YOLO
    from ultralytics.utils.nms import non_max_suppression

    network = YOLO(str(weights)).model.float().eval()
    counts = np.zeros((len(CLASS_NAMES), len(LEVELS_STRIDE_PX)), dtype=np.float64)
    for path in sorted(images.glob("*.png")):
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255.0
        cells = [(image.shape[0] // s) * (image.shape[1] // s) for s in LEVELS_STRIDE_PX.values()]
        with torch.inference_mode():
            found, kept = non_max_suppression(network(pixels)[0], score, 0.7, return_idxs=True)
        level = np.searchsorted(np.cumsum(cells), kept[0].numpy().ravel(), side="right")
        np.add.at(counts, (found[0][:, 5].numpy().astype(int), level), 1)
    return np.asarray(counts / counts.sum(axis=1, keepdims=True).clip(1))


if __name__ == "__main__":
    main()
