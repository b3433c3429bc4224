"""What keras-yolo3's "layer 185" is, and what its two ways of freezing leave trainable.

Source: `create_model` and `create_tiny_model` in keras-yolo3's train.py: freeze_body=1 freezes the first
185 of `model_body.layers` (the first 20 of tiny's), freeze_body=2 all but the last 3 (2).
"""

from __future__ import annotations

from collections.abc import Sequence

from headlab.checkpoint.yolov3.architecture import (
    Architecture,
    Convolution,
    Layer,
    MaxPool,
    Route,
    Shortcut,
    Upsample,
)
from headlab.checkpoint.yolov3.description import Description
from headlab.families.facts import Section, TextTable, joined

FROZEN_TINY_CONVOLUTIONS = 5
"""Of tiny's 7 backbone convolutions, those among the 20 layers that keras-yolo3 freezes."""


def explain_freezing(described: Description) -> Section:
    """Which layers freeze_body=1 and 2 freeze, and how many parameters each leaves trainable."""
    network = described.architecture
    body = _frozen_body(network)
    body_layers, all_layers = keras_layer_count(body), keras_layer_count(network.layers)
    outputs = [network.output(level) for level in network.levels]
    frozen = {each.name for each in body if isinstance(each, Convolution)}
    first_free = next(each for each in network.convolutions if each.name not in frozen)
    left = {
        "freeze_body=1": _parameters([c for c in network.convolutions if c.name not in frozen]),
        "freeze_body=2": _parameters(outputs),
        "nothing frozen": _parameters(network.convolutions),
    }
    last = all_layers - len(outputs)
    return Section(
        "freezing",
        f"What layer {body_layers} is, and what freezing leaves trainable",
        {
            "body_layers": body_layers,
            "layers": all_layers,
            "body_convolutions": len(frozen),
            "first_after_body": first_free.name,
            "trainable_parameters": left,
        },
        (
            "keras-yolo3 freezes by counting model_body.layers, Keras' list, in which batch "
            "normalisation, activation, padding and addition are layers of their own. Its "
            f"freeze_body=1 freezes the first {body_layers}:",
            TextTable(("what", ">layers"), (*_body_table(body), ("together", f"{body_layers}"))),
            _where_the_body_ends(network, body_layers, first_free),
            _settings_table(left, body_layers, last, len(outputs)),
            f"Freezing all but {len(outputs)} leaves layers {_numbers(last, all_layers)} of {all_layers}, "
            f"the output convolutions {_keras_names(network, outputs)}: {_arithmetic(outputs)} (a weight per "
            "input and a bias for each channel). With another number of classes they start from random "
            "weights; so keras-yolo3 first trains only them, then all layers.",
        ),
    )


def _settings_table(
    left: dict[str, int], body_layers: int, first_output: int, outputs: int
) -> TextTable:
    frozen = (
        f"0 to {body_layers - 1}",
        f"0 to {first_output - 1} (all but {outputs})",
        "none",
    )
    rows = zip(left, frozen, (f"{each:,}" for each in left.values()), strict=True)
    return TextTable(("setting", "frozen layers", ">trainable parameters"), tuple(rows))


def keras_layer_count(layers: Sequence[Layer]) -> int:
    """How many layers Keras' list has for these, the input included."""
    return 1 + sum(map(_keras_layers, layers))


def _keras_layers(layer: Layer) -> int:
    match layer:
        case Convolution():
            padding = 1 if layer.stride == 2 else 0
            return padding + (3 if layer.batch_norm else 1)
        case Route():
            return 1 if len(layer.sources) > 1 else 0
        case MaxPool() | Shortcut() | Upsample():
            return 1
    return 0


def _frozen_body(network: Architecture) -> tuple[Layer, ...]:
    """The layers that freeze_body=1 freezes: Darknet-53, or the first part of tiny's backbone."""
    last = network.backbone[-1]
    if network.variant == "yolov3-tiny":
        last = network.backbone[FROZEN_TINY_CONVOLUTIONS - 1]
        return network.layers[: network.layers.index(last) + 1]
    end = network.layers.index(last) + 1
    while isinstance(network.layers[end], Shortcut):
        end += 1
    return network.layers[:end]


def _body_table(body: Sequence[Layer]) -> list[tuple[str, str]]:
    convolutions = [each for each in body if isinstance(each, Convolution)]
    strided = sum(each.stride == 2 for each in convolutions)
    additions = sum(isinstance(each, Shortcut) for each in body)
    pools = sum(isinstance(each, MaxPool) for each in body)
    triple = "(convolution, batch norm, leaky ReLU)"
    counts = [
        ("the input", 1),
        (f"{len(convolutions)} x 3 {triple}", 3 * len(convolutions)),
        ("zero padding before each convolution of stride 2", strided),
        ("additions at the ends of residual blocks", additions),
        ("max poolings between them", pools),
    ]
    return [(what, f"{count}") for what, count in counts if count]


def _where_the_body_ends(network: Architecture, body_layers: int, first_free: Convolution) -> str:
    numbers = f"These have the numbers 0 to {body_layers - 1}"
    name = f"conv2d_{network.convolutions.index(first_free) + 1}, which headlab calls {first_free.name}"
    if network.variant == "yolov3-tiny":
        return (
            f"{numbers} and end with convolution {FROZEN_TINY_CONVOLUTIONS} of the backbone's "
            f"{len(network.backbone)}, where {network.levels[-1]} is read. Number {body_layers} is the max "
            f"pooling after it; the first convolution that stays trainable is {name}."
        )
    spp = (
        " keras-yolo3 has no SPP; this is what its counting would give."
        if network.variant == "yolov3-spp"
        else ""
    )
    return (
        f"{numbers} and are exactly Darknet-53 without its classifier. Number {body_layers} "
        f"is the first layer after it: {name}. It and all layers after it stay trainable.{spp}"
    )


def _parameters(convolutions: Sequence[Convolution]) -> int:
    return sum(
        tensor.numel for each in convolutions for tensor in each.tensors if tensor.is_parameter
    )


def _numbers(start: int, end: int) -> str:
    return joined([str(number) for number in range(start, end)])


def _keras_names(network: Architecture, convolutions: Sequence[Convolution]) -> str:
    return joined([f"conv2d_{network.convolutions.index(each) + 1}" for each in convolutions])


def _arithmetic(outputs: Sequence[Convolution]) -> str:
    """Such as "(1024 + 1 + 512 + 1 + 256 + 1) x 255 = 457,725"."""
    total = f"{_parameters(outputs):,}"
    channels = {each.out_channels for each in outputs}
    if len(channels) == 1:
        inputs = " + ".join(f"{each.in_channels} + 1" for each in outputs)
        return f"({inputs}) x {channels.pop()} = {total} parameters"
    terms = " + ".join(f"({each.in_channels} + 1) x {each.out_channels}" for each in outputs)
    return f"{terms} = {total} parameters"
