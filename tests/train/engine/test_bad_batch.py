"""A loss that is NaN or infinite: what is said, what is saved, and that it can be computed again."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from headlab.errors import CheckpointError, TrainingError
from headlab.train.configuration.config import TrainConfig
from headlab.train.data.batch import Batch, Collate, Sample
from headlab.train.engine.bad_batch import NAME, check_finite, inspect_bad_batch, save_bad_batch
from headlab.train.engine.freezing import freeze, train_mode
from headlab.yolov3.loss import Loss, yolo_loss
from headlab.yolov3.loss_options import LossOptions
from headlab.yolov3.network import YOLOv3
from headlab.yolov3.targets.assigner import Assigner
from yolov3_models import description

PATHS = ("photos/one.jpg", "photos/two.jpg")
OPTIONS = LossOptions(ignore_thresh=0.7, class_weights=(1.0, 2.0, 0.5))


def network() -> YOLOv3:
    torch.manual_seed(0)
    made = YOLOv3(description())
    freeze(made, "backbone")
    train_mode(made)
    return made


def batch(made: YOLOv3) -> Batch:
    """Two photos with a box each: by shape the first is for slot 1 of P4, and the second for slot 0."""
    generator = torch.Generator().manual_seed(1)
    boxes = [torch.tensor([[10.0, 20.0, 50.0, 70.0, 1.0]])]
    boxes.append(torch.tensor([[30.0, 30.0, 60.0, 60.0, 2.0]]))
    shape = (3, 96, 96)
    pixels = [torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator) for _ in boxes]
    samples = [Sample(*each) for each in zip(pixels, boxes, (4, 9), strict=True)]
    return Collate(Assigner(made.description, compat="keras-yolo3"))(samples)


def loss_of(made: YOLOv3, given: Batch) -> Loss:
    return yolo_loss(made(given.images()), given.targets, OPTIONS)


def overflowing() -> tuple[YOLOv3, Batch]:
    """Slot 0 of P4 says t_w = 1e20, whose square is more than single precision holds."""
    made = network()
    with torch.no_grad():
        made.P4.output.bias[2] = 1e20
    return made, batch(made)


def save(path: Path, given: Batch, made: YOLOv3, loss: Loss) -> TrainingError:
    return save_bad_batch(
        path, given, made, loss, PATHS, options=OPTIONS, compat="keras-yolo3", lr=0.01
    )


def test_the_truth_behind_it_is_found_and_the_loss_computed_again(tmp_path: Path) -> None:
    made, given = overflowing()
    loss = loss_of(made, given)
    assert loss.total.isinf()
    path = tmp_path / "bad.pt"
    error = save(path, given, made, loss)
    assert error.message == (
        "The loss is NaN or infinite: P4 wh is inf; learning rate 0.01; with truths in photos/two.jpg."
    )
    assert "learning rate below 0.01" in error.hint
    assert str(path) in error.hint

    found = inspect_bad_batch(path)
    again = found.compute_loss()
    assert again.total.isinf()
    torch.testing.assert_close(again.parts, loss.parts)
    assert found.parts.equal(loss.parts)
    assert found.batch.pixels.equal(given.pixels)
    assert found.batch.indices == (4, 9)
    assert (found.paths, found.options, found.lr) == (PATHS, OPTIONS, 0.01)
    assert found.first_bad_module() == ""
    lines = found.lines()
    assert "P4 wh: inf, again inf" in lines
    assert lines[-1] == "All outputs are finite."


def test_weights_that_are_not_finite_are_named(tmp_path: Path) -> None:
    made = network()
    given = batch(made)
    with torch.no_grad():
        made.P5.expand.conv.weight[3, 0, 0, 0] = float("nan")
    loss = loss_of(made, given)
    error = save(tmp_path / "bad.pt", given, made, loss)
    assert "P5 confidence is nan" in error.message
    assert "P4" not in error.message
    assert "P5.expand.conv.weight" in error.hint
    assert "learning rate below 0.01" in error.hint
    found = inspect_bad_batch(tmp_path / "bad.pt")
    assert found.first_bad_module() == "P5.expand.conv"
    assert "First weights that are NaN or infinite: P5.expand.conv.weight." in found.lines()


def test_a_background_that_is_not_finite_names_all_photos(tmp_path: Path) -> None:
    made = network()
    given = batch(made)
    loss = loss_of(made, given)
    parts = loss.parts.clone()
    parts[0, 2] = float("nan")
    bad = replace(loss, parts=parts)
    error = save(tmp_path / "bad.pt", given, made, bad)
    assert "P5 confidence is nan" in error.message
    assert "in a batch of photos/one.jpg, photos/two.jpg." in error.message


def test_what_was_frozen_is_frozen_again(tmp_path: Path) -> None:
    made = network()
    given = batch(made)
    save(tmp_path / "bad.pt", given, made, loss_of(made, given))
    again = inspect_bad_batch(tmp_path / "bad.pt").network
    assert [(n, p.requires_grad) for n, p in again.named_parameters()] == [
        (n, p.requires_grad) for n, p in made.named_parameters()
    ]
    assert [m.training for m in again.modules()] == [m.training for m in made.modules()]
    assert all(again.state_dict()[name].equal(each) for name, each in made.state_dict().items())


def test_a_batch_that_cannot_be_saved_does_not_hide_the_error(tmp_path: Path) -> None:
    made, given = overflowing()
    error = save(tmp_path / "missing" / "bad.pt", given, made, loss_of(made, given))
    assert "P4 wh is inf" in error.message
    assert "could not be saved" in error.hint
    assert "there is no such folder" in error.hint


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such file"):
        inspect_bad_batch(tmp_path / "bad.pt")
    for name, write in (
        ("text.pt", lambda path: path.write_text("no")),
        ("weights.pt", lambda path: torch.save({"weight": torch.zeros(2)}, path)),
        ("newer.pt", lambda path: torch.save({"version": 2}, path)),
    ):
        write(tmp_path / name)
        with pytest.raises(CheckpointError, match=name):
            inspect_bad_batch(tmp_path / name)


class Planned(NamedTuple):
    """What of a plan is asked for."""

    folder: Path
    train: SimpleNamespace
    config: TrainConfig

    def loss_options(self) -> LossOptions:
        return OPTIONS


def planned(folder: Path) -> Any:
    paths = [f"photos/{number}.jpg" for number in range(10)]
    return Planned(folder, SimpleNamespace(paths=paths), TrainConfig(compat="keras-yolo3"))


def test_a_training_stops_at_a_loss_that_is_not_finite(tmp_path: Path) -> None:
    made, given = overflowing()
    with pytest.raises(TrainingError, match=r"P4 wh is inf.* photos/9\.jpg"):
        check_finite(loss_of(made, given), given, made, planned(tmp_path), 0.01)
    assert inspect_bad_batch(tmp_path / NAME).paths == ("photos/4.jpg", "photos/9.jpg")


def test_a_training_goes_on_with_a_finite_loss(tmp_path: Path) -> None:
    made = network()
    given = batch(made)
    check_finite(loss_of(made, given), given, made, planned(tmp_path), 0.01)
    assert not list(tmp_path.iterdir())


def process(rank: int, folder: str) -> None:
    """One of two processes; the loss of the second overflows."""
    torch.set_num_threads(1)
    store = dist.FileStore(f"{folder}/store", 2)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    made, given = overflowing()
    if rank == 0:
        made = network()
    try:
        check_finite(loss_of(made, given), given, made, planned(Path(folder)), 0.01)
    except TrainingError as error:
        (Path(folder) / f"{rank}.txt").write_text(error.message)
    dist.destroy_process_group()


def test_all_processes_stop_with_the_message_of_the_one(tmp_path: Path) -> None:
    quickest = "fork" if sys.platform == "linux" else "spawn"
    mp.start_processes(process, (str(tmp_path),), nprocs=2, start_method=quickest)
    first, second = ((tmp_path / f"{rank}.txt").read_text() for rank in (0, 1))
    assert first == second
    assert "P4 wh is inf" in first
    assert inspect_bad_batch(tmp_path / f"1-{NAME}").lr == 0.01
    assert not (tmp_path / NAME).exists()
