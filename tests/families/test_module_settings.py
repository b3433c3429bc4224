"""A network computes with the settings of the modules in its file, or is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import models
from headlab.differences.differences import differences
from headlab.errors import CheckpointError
from headlab.families.network import build
from headlab.families.read import read
from headlab.model import load


def _outputs(network: Any, channels: int = 3) -> Any:
    import torch

    network.eval()
    image = torch.rand(1, channels, 128, 192, generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        return network(image)[0]


def _pickled(path: Path) -> Any:
    from ultralytics import YOLO

    return YOLO(str(path)).model


def _changed(folder: Path, change: Callable[[Any], None], kind: str = "yolov8") -> Path:
    network = models.build(kind)
    change(network.model)
    return models.save(network, folder / "changed.pt")


def _add(layers: Any) -> None:
    layers[2].m[0].add = not layers[2].m[0].add


def _pool(layers: Any) -> None:
    layers[9].m.kernel_size, layers[9].m.padding = 3, 1


def _upsample(layers: Any) -> None:
    layers[10].mode = layers[13].mode = "bilinear"


def _corners(layers: Any) -> None:
    layers[10].mode, layers[10].align_corners = "bilinear", True


def _dilation(layers: Any) -> None:
    convolution = layers[6].m[0].cv2.conv
    convolution.dilation = convolution.padding = (2, 2)


def _epsilon(layers: Any) -> None:
    layers[0].bn.eps = 0.5


def _activations(make: str, *args: Any) -> Callable[[Any], None]:
    """Every activation another, as after a change of `Conv.default_act`."""

    def change(layers: Any) -> None:
        import torch

        for module in layers.modules():
            if type(module).__name__ == "Conv" and isinstance(module.act, torch.nn.SiLU):
                module.act = getattr(torch.nn, make)(*args)

    return change


CARRIED = {
    "add": _add,
    "pool": _pool,
    "upsample": _upsample,
    "corners": _corners,
    "dilation": _dilation,
    "epsilon": _epsilon,
    "relu": _activations("ReLU"),
    "hardswish": _activations("Hardswish"),
    "leaky": _activations("LeakyReLU", 0.3),
}


@pytest.mark.parametrize("change", CARRIED.values(), ids=CARRIED.keys())
def test_settings_are_carried_over(change: Callable[[Any], None], tmp_path: Path) -> None:
    plain = _outputs(_pickled(_changed(tmp_path / "plain", lambda layers: None)))
    path = _changed(tmp_path, change)
    expected = _outputs(_pickled(path))
    assert not (expected == plain).all()  # else the test could not fail
    assert (_outputs(build(read(path))) == expected).all()


def test_a_model_saved_anew_has_the_settings(tmp_path: Path) -> None:
    path = _changed(tmp_path, _pool)
    kept = tmp_path / "kept.pt"
    load(path).edit({"op": "drop", "classes": ["cat"]}).save(kept)
    assert _pickled(kept).model[9].m.kernel_size == 3
    boxes = [_outputs(_pickled(each))[:, :4] for each in (path, kept)]
    assert boxes[0].allclose(boxes[1], atol=1e-3)


def _groups(layers: Any) -> None:
    layers[0].conv.groups = 3


def _padding_mode(layers: Any) -> None:
    layers[0].conv.padding_mode = "reflect"


def _unknown(layers: Any) -> None:
    layers[2].alpha = 0.5


def _source(layers: Any) -> None:
    layers[11].f = [-1, 5]


def _other_class(layers: Any) -> None:
    import torch

    layers[2].m[0] = torch.nn.Identity()


def _function(layers: Any) -> None:
    import torch

    layers[9].m.kernel_size = torch.nn.functional.relu


def _forward(layers: Any) -> None:
    layers[2].forward = layers[2].forward_split


def _text(layers: Any) -> None:
    layers[2].m[0].add = "yes"


REFUSED = {
    "groups": (_groups, r"model\.0\.conv \(Conv2d\) has groups 3 in the file, but groups 1"),
    "padding mode": (_padding_mode, r"model\.0\.conv \(Conv2d\) has padding_mode 'reflect'"),
    "unknown": (_unknown, r"model\.2 \(C2f\) has alpha 0\.5 in the file, but no such setting"),
    "source": (_source, r"model\.11 \(Concat\) has f \(-1, 5\) in the file, but f \(-1, 6\)"),
    "class": (_other_class, r"model\.2\.m\.0 is a Identity in the file, but Bottleneck"),
    "function": (
        _function,
        r"model\.9\.m \(MaxPool2d\) has kernel_size torch\.nn\.functional\.relu",
    ),
    "forward": (_forward, r"model\.2 \(C2f\) has forward \S*getattr"),
    "text": (_text, r"model\.2\.m\.0 \(Bottleneck\) has add 'yes'"),
}


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_carried_over_is_named(
    change: Callable[[Any], None], message: str, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match=message):
        build(read(_changed(tmp_path, change)))


def test_a_class_of_the_same_name_from_elsewhere_is_refused(tmp_path: Path) -> None:
    path = _changed(tmp_path, lambda layers: None)
    data = read(path)
    module = data.pickle.root["model"].attributes["_modules"]["model"].attributes["_modules"]["0"]
    object.__setattr__(module, "cls", type(module.cls)("fork.layers", "Conv"))
    with pytest.raises(CheckpointError, match=r"model\.0 is a fork\.layers\.Conv in the file"):
        build(data)


def test_diff_shows_settings_and_classes(tmp_path: Path) -> None:
    plain = _changed(tmp_path / "plain", lambda layers: None)
    found = differences(read(plain), read(_changed(tmp_path, _pool)))
    assert found.settings == (
        ("model.9.m.kernel_size", 5, 3),
        ("model.9.m.padding", 2, 1),
    )
    assert found
    assert "settings of modules (2)" in list(found.text())
    relu = differences(read(plain), read(_changed(tmp_path, _activations("ReLU"))))
    assert ("model.0.act", "SiLU", "ReLU") in relu.settings


def test_a_partly_folded_network_runs(tmp_path: Path) -> None:
    """One convolution folded, the others not, as after a hand-made fusion."""

    def fold(layers: Any) -> None:
        from ultralytics.utils.torch_utils import fuse_conv_and_bn

        first = layers[0]
        first.conv = fuse_conv_and_bn(first.conv, first.bn)
        del first.bn
        first.forward = first.forward_fuse

    path = _changed(tmp_path, fold)
    assert (_outputs(build(read(path))) == _outputs(_pickled(path))).all()


@pytest.mark.parametrize(("key", "channels"), [("ch", 1), ("channels", 4), (None, 1)])
def test_colour_channels(key: str | None, channels: int, tmp_path: Path) -> None:
    """As older versions wrote them, as this one does, and as the oldest did not."""
    from ultralytics.nn.tasks import DetectionModel

    network = models.build()
    described = dict(network.yaml)
    grey = DetectionModel(described, ch=channels, nc=3, verbose=False)
    for each in ("ch", "channels"):
        grey.yaml.pop(each, None)
    if key:
        grey.yaml[key] = channels
    grey.names, grey.task, grey.args = network.names, network.task, network.args
    path = models.save(grey, tmp_path / "grey.pt")
    rebuilt = build(read(path))
    assert (_outputs(rebuilt, channels) == _outputs(_pickled(path), channels)).all()
