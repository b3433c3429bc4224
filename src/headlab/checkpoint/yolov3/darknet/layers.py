"""One section of a darknet `.cfg` against one layer of the network: what must hold, key by key.

Keys that are absent have darknet's defaults. Keys that this file does not name are ignored, as darknet
does; so are those that only concern training.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from headlab.checkpoint.yolov3.architecture import (
    Convolution,
    Detection,
    Layer,
    MaxPool,
    Route,
    Shortcut,
    Upsample,
)
from headlab.checkpoint.yolov3.darknet.sections import ALIASES, Section, shown
from headlab.errors import CheckpointError
from headlab.files.numbers import decimal_number, whole_number

ONLY = "headlab reads YOLOv3, YOLOv3-SPP and YOLOv3-tiny, with any classes, anchors and input size."

KINDS: dict[type[Layer], str] = {
    Convolution: "convolutional",
    MaxPool: "maxpool",
    Shortcut: "shortcut",
    Route: "route",
    Upsample: "upsample",
    Detection: "yolo",
}
"""What a cfg calls each kind of layer."""

_NEUTRAL: dict[str, dict[str, str]] = {
    "net": {},
    "convolutional": {
        "groups": "1",
        "dilation": "1",
        "binary": "0",
        "xnor": "0",
        "antialiasing": "0",
        "flipped": "0",
        "dontload": "0",
        "dontloadscales": "0",
        "share_index": "none",
    },
    "maxpool": {"maxpool_depth": "0", "antialiasing": "0"},
    "shortcut": {"alpha": "1", "beta": "1", "weights_type": "none"},
    "route": {"groups": "1", "group_id": "0"},
    "upsample": {"scale": "1"},
    "yolo": {"scale_x_y": "1", "new_coords": "0", "embedding_layer": "none"},
}
"""Settings by section that change what it computes or loads, unless they have this value."""

_MOST_ITEMS = 2000

_SOURCES = {"route": "layers", "shortcut": "from"}

Link = tuple[str, tuple[int, ...]]
"""A layer's kind and the layers that it reads in addition to the one before it."""


def check_supported(section: Section) -> None:
    """Refuse a section that YOLOv3 does not have, or that computes something else there.

    Raises:
        CheckpointError: with its name, its line and the setting.
    """
    if section.kind not in _NEUTRAL:
        raise _unknown_section(section)
    for key, neutral in _NEUTRAL[section.kind].items():
        found = section.text(key) or neutral
        if not _same(found, neutral):
            raise CheckpointError(
                f"{section.where(key)}: {key}={shown(found)} changes what the section does; "
                f"headlab reads {key}={neutral} only.",
                ONLY,
            )


_OF_DARKNET = {
    "region": "YOLOv2's head",
    "reorg": "YOLOv2",
    "detection": "YOLOv1's head",
    "local": "YOLOv1",
    **dict.fromkeys(("avgpool", "avg", "softmax", "soft", "cost"), "a classifier"),
    **dict.fromkeys(
        ("connected", "conn", "dropout", "crop", "normalization", "lrn"), "a classifier"
    ),
    **dict.fromkeys(("rnn", "crnn", "gru", "lstm"), "a recurrent network"),
    **dict.fromkeys(
        ("deconvolutional", "deconv", "batchnorm", "activation", "active", "l2norm"), ""
    ),
    **dict.fromkeys(("logistic", "logxent", "iseg"), ""),
}
"""Sections of darknet that YOLOv3 does not have, and what has them."""

_OF_ALEXEYAB = {
    *("gaussian_yolo", "sam", "scale_channels", "local_avgpool", "local_avg", "reorg3d"),
    *("reorg_old", "conv_lstm", "history", "contrastive", "implicit", "implicit_add"),
    *("implicit_mul", "empty", "silence"),
}
"""Sections that only AlexeyAB's darknet has, or the programs that follow it; in lower case."""


def _unknown_section(section: Section) -> CheckpointError:
    kind, where = section.kind, section.where()
    lower = ALIASES.get(kind.lower(), kind.lower())
    if lower in _NEUTRAL:
        return CheckpointError(
            f"{where}: darknet's names of sections are in lower case; it does not know this one.",
            f"Write [{lower}].",
        )
    if kind in _OF_DARKNET:
        of = _OF_DARKNET[kind]
        what = f"a section of darknet that YOLOv3 does not have{f': it is of {of}' if of else ''}."
    elif lower in _OF_ALEXEYAB:
        what = "a section of AlexeyAB's darknet that YOLOv3 does not have."
    else:
        what = "neither darknet nor AlexeyAB's darknet has such a section, as far as headlab knows."
    return CheckpointError(f"{where}: {what}", ONLY)


def _same(found: str, neutral: str) -> bool:
    """Whether two values are the same text or the same number: 1.0 is 1."""
    number = decimal_number(found)
    return found == neutral or (number is not None and number == decimal_number(neutral))


def whole(section: Section, key: str, default: int | None) -> int:
    """A setting that is a whole number.

    Raises:
        CheckpointError: it is not one, or it is absent and has no default.
    """
    found = section.text(key)
    if found is None:
        if default is None:
            raise CheckpointError(
                f"{section.where()}: {key}= is missing.", f"Add {key}= with a whole number."
            )
        return default
    number = whole_number(found)
    if number is None:
        raise CheckpointError(
            f"{section.where(key)}: {key}={shown(found)} is not a whole number.",
            "Write digits only, nine at most.",
        )
    return number


def items(section: Section, key: str) -> list[str]:
    """A setting that is a list with commas; one may end it.

    Raises:
        CheckpointError: it is absent, or has absurdly many values.
    """
    found = section.text(key)
    if found is None:
        raise CheckpointError(f"{section.where()}: {key}= is missing.", f"Add {key}=.")
    if found.count(",") > _MOST_ITEMS:
        raise CheckpointError(
            f"{section.where(key)}: {key}= has more than {_MOST_ITEMS:,} values.", ONLY
        )
    return found.removesuffix(",").split(",")


def wholes(section: Section, key: str) -> list[int]:
    """A setting that is a list of whole numbers.

    Raises:
        CheckpointError: it is absent, or one is not a whole number.
    """
    numbers = []
    for item in items(section, key):
        number = whole_number(item)
        if number is None:
            raise CheckpointError(
                f"{section.where(key)}: {key}= has {shown(item)!r}, which is not a whole number.",
                "Write whole numbers with commas between them.",
            )
        numbers.append(number)
    return numbers


def link_of(section: Section) -> Link:
    """A section's kind and sources, as numbers of layers.

    Raises:
        CheckpointError: a source is not a layer before it.
    """
    if section.kind not in _SOURCES:
        return section.kind, ()
    key = _SOURCES[section.kind]
    sources = []
    for number in wholes(section, key):
        source = section.layer + number if number < 0 else number
        if not 0 <= source < section.layer:
            raise CheckpointError(
                f"{section.where(key)}: {key}= names {number}, which is not a layer before it.",
                "Negative numbers count from the section itself, others from the first layer, 0.",
            )
        sources.append(source)
    return section.kind, tuple(sources)


def link_in(layer: Layer) -> Link:
    """The same of a layer of a network."""
    if isinstance(layer, Route):
        return "route", layer.sources
    if isinstance(layer, Shortcut):
        return "shortcut", (layer.source,)
    return KINDS[type(layer)], ()


def check_layer(section: Section, layer: Layer, network: str) -> None:
    """Check a section against the layer that should be there.

    Args:
        section: as written in the cfg.
        layer: of the network that the cfg resembles most.
        network: what to call it.

    Raises:
        CheckpointError: they differ; the message says in what.
    """
    kind, sources = link_in(layer)
    if section.kind != kind:
        raise CheckpointError(f"{section.where()}: {network} has [{kind}] there.", ONLY)
    if isinstance(layer, Convolution):
        _check_convolution(section, layer, network)
    elif isinstance(layer, MaxPool):
        _check_maxpool(section, layer, network)
    elif isinstance(layer, Upsample):
        _check(section, "stride", whole(section, "stride", 2), layer.stride, network)
    elif sources:
        _check_sources(section, sources, network)
        if isinstance(layer, Shortcut):
            _check_activation(section, "linear", "linear", network)


def _check_convolution(section: Section, layer: Convolution, network: str) -> None:
    size = whole(section, "size", 1)
    _check(section, "size", size, layer.size, network)
    _check_stride(section, layer.stride, network)
    padded = whole(section, "pad", 0) != 0
    padding = size // 2 if padded else whole(section, "padding", 0)
    if padding != layer.size // 2:
        raise CheckpointError(
            f"{section.where('padding' if 'padding' in section.values else 'pad')}: the padding is "
            f"{padding}; {network} has {layer.size // 2} there.",
            "Write pad=1.",
        )
    normalised = int(whole(section, "batch_normalize", 0) != 0)
    _check(section, "batch_normalize", normalised, int(layer.batch_norm), network)
    activation = "leaky" if layer.batch_norm else "linear"
    _check_activation(section, activation, "logistic", network)
    _check(
        section,
        "filters",
        whole(section, "filters", 1),
        layer.out_channels,
        network,
        ONLY,
    )


def _check_maxpool(section: Section, layer: MaxPool, network: str) -> None:
    size = whole(section, "size", whole(section, "stride", 1))
    _check(section, "size", size, layer.size, network)
    _check_stride(section, layer.stride, network)
    _check(section, "padding", whole(section, "padding", size - 1), layer.size - 1, network)


def _check_stride(section: Section, expected: int, network: str) -> None:
    stride = whole(section, "stride", 1)
    _check(section, "stride", stride, expected, network)
    for key in ("stride_x", "stride_y"):
        _check(section, key, whole(section, key, stride), expected, network)


def _check_sources(section: Section, expected: Sequence[int], network: str) -> None:
    key = _SOURCES[section.kind]
    found = link_of(section)[1]
    if found != tuple(expected):
        raise CheckpointError(
            f"{section.where(key)}: {key}={shown(section.values[key].text)} means {_layers(found)}; "
            f"{network} has {_layers(expected)} there.",
            ONLY,
        )


def _check_activation(section: Section, expected: str, default: str, network: str) -> None:
    found = section.text("activation") or default
    if found != expected:
        _differ(section, "activation", found, expected, network, ONLY)


def _check(
    section: Section, key: str, found: int, expected: int, network: str, hint: str = ONLY
) -> None:
    if found != expected:
        _differ(section, key, str(found), str(expected), network, hint)


def _differ(
    section: Section, key: str, found: str, expected: str, network: str, hint: str
) -> NoReturn:
    value = f"{key}={shown(found)}"
    if key not in section.values:
        value = f"{key}= is missing, which means {found}"
    raise CheckpointError(
        f"{section.where(key)}: {value}; {network} has {expected} there.",
        hint,
    )


def _layers(numbers: Sequence[int]) -> str:
    return f"layer{'' if len(numbers) == 1 else 's'} {shown(', '.join(map(str, numbers)))}"
