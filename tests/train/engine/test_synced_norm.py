"""Two processes with half a batch each against torch's own norm with the whole of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn

from headlab.train.engine.freezing import freeze, train_mode
from headlab.train.engine.synced_norm import SyncedBatchNorm, synced
from headlab.yolov3.network import YOLOv3
from yolov3_models import description

CPU = torch.device("cpu")


def values(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Input (5, 4, 3, 2), far from 0 so that a careless variance shows, and what the gradient is of."""
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(5, 4, 3, 2, generator=generator, dtype=torch.float64) * 2 + 300
    wanted = torch.randn(5, 4, 3, 2, generator=generator, dtype=torch.float64)
    return x.to(dtype), wanted.to(dtype)


def norm(kind: type[nn.BatchNorm2d], dtype: torch.dtype) -> nn.BatchNorm2d:
    made = kind(4, eps=1e-3, momentum=0.1).to(dtype)
    with torch.no_grad():
        made.weight.copy_(torch.tensor([1.0, -2.0, 0.5, 3.0]))
        made.bias.copy_(torch.tensor([0.0, 1.0, -1.0, 2.0]))
    return made


def results(made: nn.BatchNorm2d, x: Tensor, wanted: Tensor) -> dict[str, Tensor]:
    """Outputs, gradients and running statistics after two steps of the loss sum(y^2 * wanted)."""
    for _ in range(2):
        x = x.detach().requires_grad_()
        made.zero_grad()
        y = made(x)
        (y.square() * wanted).sum().backward()
    assert x.grad is not None
    assert made.weight.grad is not None
    assert made.bias.grad is not None
    return {
        "y": y.detach(),
        "x": x.grad,
        "weight": made.weight.grad,
        "bias": made.bias.grad,
        "mean": made.running_mean,
        "variance": made.running_var,
        "batches": made.num_batches_tracked,
    }


def process(rank: int, folder: str) -> None:
    """One of two processes; its part of the batch is 3 or 2 images."""
    torch.set_num_threads(1)
    store = dist.FileStore(f"{folder}/store", 2)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    found: dict[str, Any] = {}
    for name in ("float64", "float32"):
        dtype = getattr(torch, name)
        part = slice(0, 3) if rank == 0 else slice(3, 5)
        x, wanted = values(dtype)
        made = norm(SyncedBatchNorm, dtype)
        found[name] = results(made, x[part], wanted[part])
        made.eval()
        found[f"{name} eval"] = made(x[part]).detach()
    torch.save(found, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("synced")
    mp.spawn(process, (str(folder),), nprocs=2)
    return [torch.load(Path(folder) / f"{rank}.pt") for rank in (0, 1)]


@pytest.mark.parametrize(
    # Both compute in another order; a value of 300 in float32 has a spacing of 3e-5, and gradients are
    # differences of numbers a hundred times as large as they are.
    ("name", "rtol", "atol"),
    [("float64", 1e-11, 1e-11), ("float32", 1e-4, 1e-3)],
)
def test_equals_one_process_with_the_whole_batch(
    found: list[dict[str, Any]], name: str, rtol: float, atol: float
) -> None:
    dtype = getattr(torch, name)
    x, wanted = values(dtype)
    whole = norm(nn.BatchNorm2d, dtype)
    expected = results(whole, x, wanted)
    first, second = (each[name] for each in found)

    def close(one: Tensor, other: Tensor) -> None:
        torch.testing.assert_close(one, other, rtol=rtol, atol=atol)

    for each in ("y", "x"):
        close(torch.cat((first[each], second[each])), expected[each])
    for each in ("weight", "bias"):
        close(first[each] + second[each], expected[each])
    for each in ("mean", "variance"):
        assert first[each].equal(second[each])
        close(first[each], expected[each])
    assert first["batches"] == second["batches"] == expected["batches"] == 2
    whole.eval()
    close(torch.cat([each[f"{name} eval"] for each in found]), whole(x).detach())


def network() -> YOLOv3:
    torch.manual_seed(0)
    return YOLOv3(description())


def test_a_network_keeps_its_names_parameters_and_statistics() -> None:
    plain, made = network(), network()
    parameters = dict(made.named_parameters())
    freeze(made, "backbone")
    train_mode(made)
    modes = {name: module.training for name, module in made.named_modules()}
    assert synced(made, CPU) is made
    norms = [each for each in made.modules() if isinstance(each, nn.BatchNorm2d)]
    assert norms
    assert all(type(each) is SyncedBatchNorm for each in norms)
    assert {name: id(each) for name, each in made.named_parameters()} == {
        name: id(each) for name, each in parameters.items()
    }
    assert list(made.state_dict()) == list(plain.state_dict())
    assert all(made.state_dict()[name].equal(each) for name, each in plain.state_dict().items())
    assert {name: module.training for name, module in made.named_modules()} == modes
    assert {(each.eps, each.momentum) for each in norms} == {(1e-6, 0.01)}


def test_alone_it_is_the_plain_norm() -> None:
    plain, made = network(), synced(network(), CPU)
    images = torch.rand(2, 3, 64, 64)
    for one, other in zip(plain.train()(images), made.train()(images), strict=True):
        assert one.equal(other)
    assert all(made.state_dict()[name].equal(each) for name, each in plain.state_dict().items())


def test_on_a_gpu_torch_has_its_own() -> None:
    made = network()
    names = list(made.state_dict())
    synced(made, torch.device("cuda"))
    assert not [each for each in made.modules() if isinstance(each, nn.BatchNorm2d)]
    assert list(made.state_dict()) == names
