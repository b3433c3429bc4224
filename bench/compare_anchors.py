"""Fitting anchors against keras-yolo3's k-means: seconds, and the overlap that is lost.

Run by itself, it prints every seed's range and, with --large, ten million boxes:

    python bench/compare_anchors.py [--large]

keras-yolo3's algorithm is reimplemented here from its description (1 - IoU as distance, a random start of k
boxes, coordinate-wise medians truncated to whole pixels, until no box changes its cluster). scikit-learn's
KMeans (squared Euclidean distance, one start) takes part if it is installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np
from material import SHARED
from measure import Row

from headlab.anchors.fitting.fit import fit_shapes
from headlab.boxes.overlap import coverage
from headlab.boxes.shapes import shapes_of

GOLDEN = SHARED / "golden"
K = 9
VOC_SECONDS, VOC_IOU, VOC_SEEDS = 0.3, 0.6905, 20
MILLION_SECONDS, MILLION_IOU = 0.5, 0.6238
LARGE_SECONDS, LARGE_IOU, LARGE_MEMORY = 2.0, 0.623, 3.0

Fitter = Callable[[np.ndarray, int], np.ndarray]


@dataclass(frozen=True)
class Runs:
    """Several seeds of one fitter on the same boxes."""

    seconds: list[float]
    mean_iou: list[float]
    recall: list[float]


def ours(boxes: np.ndarray, seed: int) -> np.ndarray:
    return fit_shapes(shapes_of(boxes), K, seed=seed).anchors_wh


def ours_for_recall(boxes: np.ndarray, seed: int) -> np.ndarray:
    return fit_shapes(shapes_of(boxes), K, seed=seed, objective="recall").anchors_wh


def keras_yolo3(boxes: np.ndarray, seed: int) -> np.ndarray:
    rng = np.random.RandomState(seed)
    centres = boxes[rng.choice(len(boxes), K, replace=False)]
    area = boxes[:, 0] * boxes[:, 1]
    before = np.full(len(boxes), -1)
    while True:
        width = np.minimum(boxes[:, None, 0], centres[None, :, 0])
        height = np.minimum(boxes[:, None, 1], centres[None, :, 1])
        shared = width * height
        distance = 1 - shared / (area[:, None] + centres[:, 0] * centres[:, 1] - shared)
        nearest = distance.argmin(axis=1)
        if (nearest == before).all():
            return centres.astype(np.float64)
        for cluster in range(K):
            centres[cluster] = np.median(boxes[nearest == cluster], axis=0)
        before = nearest


def scikit_learn(boxes: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.cluster import KMeans

    clusters = KMeans(K, n_init=1, random_state=seed).fit(boxes.astype(np.float64))
    return clusters.cluster_centers_


def runs(fitters: dict[str, tuple[Fitter, int]], boxes: np.ndarray) -> dict[str, Runs]:
    """Run fitters in turn, each with as many seeds as it is given."""
    results = {name: Runs([], [], []) for name in fitters}
    for seed in range(max(seeds for _, seeds in fitters.values())):
        for name, (fitter, seeds) in fitters.items():
            if seed >= seeds:
                continue
            start = time.perf_counter()
            anchors = fitter(boxes, seed)
            results[name].seconds.append(time.perf_counter() - start)
            covered = coverage(boxes, anchors)
            results[name].mean_iou.append(covered.mean_iou)
            results[name].recall.append(covered.recall_50)
    return results


def voc() -> np.ndarray:
    return np.load(GOLDEN / "kmeans_voc2007_boxes.npz")["wh"].astype(np.int64)


def synthetic(count: int) -> np.ndarray:
    """The synthetic boxes of PEERS.md, whole pixels."""
    spec = importlib.util.spec_from_file_location("synthetic_boxes", GOLDEN / "synthetic_boxes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    boxes = module.synthetic_boxes(count).astype(np.float32)
    return np.maximum(np.rint(boxes), 1).astype(np.int32)


def rows() -> list[Row]:
    if not GOLDEN.is_dir():
        return []
    fit_shapes(shapes_of(voc()[:500]), K)  # the first call warms numpy up
    on_voc = runs({"ours": (ours, VOC_SEEDS), "keras": (keras_yolo3, VOC_SEEDS)}, voc())
    million = runs({"ours": (ours, 3), "keras": (keras_yolo3, 1)}, synthetic(1_000_000))
    return [
        *_pair("anchors, VOC2007", on_voc, VOC_SECONDS, VOC_IOU),
        *_pair("anchors, 1 M boxes", million, MILLION_SECONDS, MILLION_IOU),
    ]


def _pair(what: str, results: dict[str, Runs], seconds: float, iou: float) -> list[Row]:
    mine, theirs = results["ours"], results["keras"]
    return [
        Row(what, "s", median(mine.seconds), median(theirs.seconds), "keras-yolo3", seconds, False),
        Row(
            f"{what}, IoU lost",
            "",
            1 - min(mine.mean_iou),
            1 - min(theirs.mean_iou),
            "keras-yolo3",
            1 - iou,
            False,
        ),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="also fit ten million boxes")
    large = parser.parse_args().large
    if not GOLDEN.is_dir():
        print("needs ../shared/data/golden")
        return 2
    has_sklearn = importlib.util.find_spec("sklearn") is not None
    fit_shapes(shapes_of(voc()[:500]), K)
    fitters = {
        "headlab": (ours, 20),
        "headlab, recall": (ours_for_recall, 20),
        "keras-yolo3": (keras_yolo3, 20),
        **({"scikit-learn": (scikit_learn, 20)} if has_sklearn else {}),
    }
    _print("VOC2007 train, 6,301 boxes", runs(fitters, voc()))
    few = {name: (fitter, min(seeds, 3)) for name, (fitter, seeds) in fitters.items()}
    few["keras-yolo3"] = (keras_yolo3, 1)
    _print("synthetic, 1,000,000 boxes", runs(few, synthetic(1_000_000)))
    if not large:
        return 0
    boxes = synthetic(10_000_000)
    results = runs({"headlab": (ours, 3)}, boxes)
    _print("synthetic, 10,000,000 boxes", results)
    own, peak = boxes.nbytes, _peak_bytes(boxes)
    print(
        f"  memory: at most {peak / 2**20:.0f} MiB while fitting and evaluating; the boxes take "
        f"{own / 2**20:.0f} MiB"
    )
    slow = median(results["headlab"].seconds) > LARGE_SECONDS
    return int(slow or min(results["headlab"].mean_iou) < LARGE_IOU or peak > LARGE_MEMORY * own)


def _peak_bytes(boxes: np.ndarray) -> int:
    """The memory that a fit takes at most, the boxes apart; in a run of its own, since counting is slow."""
    tracemalloc.start()
    ours(boxes, 0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def _print(title: str, results: dict[str, Runs]) -> None:
    """Seconds (median), the overlap's range over the seeds, recall (median), and the ratio of times."""
    print(f"\n{title}\n  {'':16} seeds  seconds  times  mean IoU: min / median / max   IoU >= 0.5")
    reference = median(results["headlab"].seconds)
    for name, its in results.items():
        seconds = median(its.seconds)
        print(
            f"  {name:16} {len(its.seconds):5}  {seconds:7.3f} {seconds / reference:6.1f}  "
            f"{min(its.mean_iou):.5f} / {median(its.mean_iou):.5f} / {max(its.mean_iou):.5f}   "
            f"{median(its.recall):.3f}"
        )


if __name__ == "__main__":
    sys.exit(main())
