"""YOLOv3 yields the same kind of prediction as ultralytics' networks: boxes, addresses, `Results`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from headlab.checkpoint.yolov3.description import Description
from headlab.checkpoint.yolov3.in_memory import InMemoryCheckpoint, in_memory
from headlab.detect.detector import Detector
from headlab.detect.prediction import Prediction
from headlab.detect.settings import Settings
from headlab.detect.sources import Source
from headlab.errors import InputError
from headlab.families.identify import identify
from headlab.families.network import build, runnable
from headlab.families.read import read
from headlab.yolov3.decode import decode
from headlab.yolov3.letterbox import Letterbox
from yolov3_models import random_model

LOW = 0.3


@pytest.fixture(scope="module")
def model() -> InMemoryCheckpoint:
    return random_model()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three small pictures of different shapes, the last one grey."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(3)
    made = []
    for name, (height, width) in {"a": (128, 128), "b": (90, 200), "c": (240, 131)}.items():
        coarse = rng.integers(0, 256, (6, 6, 3), np.uint8)
        picture = cv2.resize(coarse, (width, height))
        made.append(folder / f"{name}.png")
        cv2.imwrite(str(made[-1]), picture if name != "c" else picture[..., 0])
    return made


def _detector(model: InMemoryCheckpoint, **settings: Any) -> Detector:
    return runnable(model).detector(Settings(**{"conf": LOW, **settings}))


def _predicted(model: InMemoryCheckpoint, files: list[Path], **settings: Any) -> list[Prediction]:
    return list(_detector(model, **settings)([Source.of_file(file) for file in files]))


@pytest.mark.parametrize("multi_label", [False, True])
def test_detections_are_candidates_at_their_addresses(
    model: InMemoryCheckpoint, pictures: list[Path], multi_label: bool
) -> None:
    found = _predicted(model, pictures, multi_label=multi_label)
    assert [each.source.path for each in found] == pictures
    assert sum(len(each.flat) for each in found) > 10
    for prediction in found:
        assert prediction.input_hw_px == (96, 96)
        scores = prediction.candidates[4:].T
        for flat, row in zip(prediction.flat, prediction.kept.tolist(), strict=True):
            x, y, w, h = prediction.candidates[:4, flat].tolist()
            assert row[:4] == pytest.approx([x - w / 2, y - h / 2, x + w / 2, y + h / 2], abs=1e-3)
            assert row[4] == scores[flat, int(row[5])]
            assert multi_label or row[4] == scores[flat].max()
    pairs = [(each.source.name, flat) for each in found for flat in each.flat]
    assert (len(set(pairs)) < len(pairs)) is multi_label, "a candidate with several classes"


def test_candidates_are_the_decoded_outputs_of_the_letterboxed_image(
    model: InMemoryCheckpoint, pictures: list[Path]
) -> None:
    network, layout = build(model), identify(model)
    for prediction in _predicted(model, pictures):
        letterbox = Letterbox(prediction.image_bgr.shape[:2], (96, 96))
        pixels = letterbox.pixels(prediction.image_bgr[..., ::-1]).astype(np.float32) / 255
        with torch.no_grad():
            outputs = network(torch.from_numpy(pixels).permute(2, 0, 1)[None])
        expected = decode(outputs, layout.levels)[0]
        torch.testing.assert_close(prediction.candidates, expected, rtol=1e-3, atol=1e-3)


def test_results_are_those_of_ultralytics_in_image_pixels(
    model: InMemoryCheckpoint, pictures: list[Path]
) -> None:
    for prediction in _predicted(model, pictures):
        result = prediction.result
        assert type(result).__name__ == "Results"
        assert result.path == prediction.source.name
        assert result.names == {0: "ant", 1: "bee", 2: "cat"}
        assert result.orig_img is prediction.image_bgr
        letterbox = Letterbox(prediction.image_bgr.shape[:2], (96, 96))
        expected = letterbox.to_image(prediction.kept[:, :4].numpy(), clip=True)
        np.testing.assert_allclose(result.boxes.xyxy, expected, atol=1e-3)
        assert result.boxes.conf.equal(prediction.kept[:, 4])
        assert (result.boxes.xyxy[:, 2] <= prediction.image_bgr.shape[1]).all()


def test_nothing_found_is_an_empty_prediction(
    model: InMemoryCheckpoint, pictures: list[Path]
) -> None:
    (found,) = _predicted(model, pictures[:1], conf=1.0)
    assert found.flat.shape == (0,)
    assert found.kept.shape == (0, 6)
    assert len(found.result.boxes) == 0


@pytest.mark.parametrize(
    ("imgsz", "input_hw"),
    [(None, (96, 96)), (64, (64, 64)), (100, (128, 128)), ((64, 150), (64, 160)), (1, (32, 32))],
)
def test_input_sizes_are_rounded_up_as_ultralytics_does(
    imgsz: Any, input_hw: tuple[int, int], model: InMemoryCheckpoint, pictures: list[Path]
) -> None:
    (found,) = _predicted(model, pictures[:1], imgsz=imgsz)
    assert found.input_hw_px == input_hw
    assert found.candidates.shape[1] == identify(model).addresses(*input_hw).total


def test_settings_reach_the_choice(model: InMemoryCheckpoint, pictures: list[Path]) -> None:
    everything = _predicted(model, pictures)
    count = sum(len(each.flat) for each in everything)
    ants = [each for found in _predicted(model, pictures, classes=(0,)) for each in found.kept]
    assert 0 < len(ants) < count
    assert {float(row[5]) for row in ants} == {0.0}
    assert all(len(each.flat) == 2 for each in _predicted(model, pictures, max_det=2))
    for stricter in ({"agnostic_nms": True}, {"iou": 0.1}, {"conf": 0.5}):
        fewer = sum(len(each.flat) for each in _predicted(model, pictures, **stricter))
        assert fewer < count, stricter


def test_the_nms_threshold_is_that_of_darknet(
    model: InMemoryCheckpoint, pictures: list[Path]
) -> None:
    assert _detector(model).settings.iou == 0.45
    for default, same in zip(
        _predicted(model, pictures), _predicted(model, pictures, iou=0.45), strict=True
    ):
        assert default.flat.tolist() == same.flat.tolist()


def test_six_candidates_are_not_taken_for_an_end_to_end_output(tmp_path: Path) -> None:
    """Two slots on P5 and one on P4: 2 * 1 + 1 * 4 = 6 candidates of an input of 32 px."""
    described = Description(
        "yolov3-tiny", ((9, 9), (20, 20), (30, 30)), ((1, 2), (0,)), ("ant",), (32, 32)
    )
    arrays = {
        name: np.zeros(tensor.shape, np.float32)
        for name, tensor in described.architecture.tensors.items()
    }
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.zeros((32, 32, 3), np.uint8))
    (found,) = _predicted(in_memory(described, arrays), [path], conf=0.1, iou=1.0)
    assert found.candidates.shape == (5, 6)
    assert sorted(found.flat.tolist()) == list(range(6))


def test_video_frames_and_unreadable_files(model: InMemoryCheckpoint, tmp_path: Path) -> None:
    video = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 10, (96, 64))
    for seed in range(5):
        writer.write(np.random.default_rng(seed).integers(0, 256, (64, 96, 3), np.uint8))
    writer.release()
    assert len(_predicted(model, [video])) == 5
    assert len(_predicted(model, [video], vid_stride=2)) == 2
    bad, good = tmp_path / "a.jpg", tmp_path / "b.png"
    bad.write_bytes(b"this is no JPEG")
    cv2.imwrite(str(good), np.zeros((40, 40, 3), np.uint8))
    assert [each.source.path for each in _predicted(model, [bad, good])] == [good]
    assert _predicted(model, [bad]) == []


def test_what_yolov3_has_not_is_refused(model: InMemoryCheckpoint) -> None:
    with pytest.raises(InputError, match="YOLOv3-tiny has no branch without NMS"):
        _detector(model, end2end=True)
    with pytest.raises(InputError, match="'a toaster' cannot be used on this machine"):
        _detector(model, device="a toaster")


def test_real_photos(shared: Path) -> None:
    """The official weights: a dog and a bicycle, and a bird; every box lies in its photo."""
    checkpoint = read(shared / "weights" / "yolov3-tiny.weights")
    ready = runnable(checkpoint).detector(Settings())
    names = identify(checkpoint).class_names
    photos = [Source.of_file(shared / "photos" / f"{name}.jpg") for name in ("dog", "eagle")]
    found = {
        Path(prediction.source.name).stem: {names[int(each)] for each in prediction.kept[:, 5]}
        for prediction in ready(photos)
    }
    assert found["dog"] >= {"dog", "bicycle"}
    assert found["eagle"] == {"bird"}
