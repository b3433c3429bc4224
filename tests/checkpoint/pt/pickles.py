"""Write pickles and checkpoints byte by byte, as no honest program would.

Each function returns the opcodes that push one value (PEP 307); `stream` and `checkpoint` finish them.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

NONE, TRUE, FALSE, EMPTY_TUPLE = b"N", b"\x88", b"\x89", b")"


def text(value: str) -> bytes:
    data = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(data)) + data


def number(value: int) -> bytes:
    if -(1 << 31) <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8b" + struct.pack("<I", len(data)) + data


def put(index: int) -> bytes:
    return b"r" + struct.pack("<I", index)


def get(index: int) -> bytes:
    return b"j" + struct.pack("<I", index)


def named(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def group(*values: bytes) -> bytes:
    return b"(" + b"".join(values) + b"t"


def whole(*values: int) -> bytes:
    return group(*map(number, values))


def listed(*values: bytes) -> bytes:
    return b"](" + b"".join(values) + b"e"


def mapped(entries: Mapping[str, bytes]) -> bytes:
    return b"}(" + b"".join(text(key) + value for key, value in entries.items()) + b"u"


def numbered(*values: bytes) -> bytes:
    return b"}(" + b"".join(number(at) + value for at, value in enumerate(values)) + b"u"


def call(function: bytes, *args: bytes) -> bytes:
    return function + group(*args) + b"R"


def instance(cls: bytes, state: bytes) -> bytes:
    return cls + EMPTY_TUPLE + b"\x81" + state + b"b"


def module(
    cls: bytes = named("torch.nn.modules.module", "Module"),
    *,
    modules: Mapping[str, bytes] | None = None,
    parameters: Mapping[str, bytes] | None = None,
    **attributes: bytes,
) -> bytes:
    state = {"_modules": mapped(modules or {}), "_parameters": mapped(parameters or {})}
    return instance(cls, mapped({**state, "_buffers": mapped({}), **attributes}))


def stored(key: str, numel: int, kind: str = "FloatStorage") -> bytes:
    parts = text("storage"), named("torch", kind), text(key), text("cpu"), number(numel)
    return group(*parts) + b"Q"


def tensor(
    key: str,
    shape: tuple[int, ...],
    stride: tuple[int, ...] | None = None,
    *,
    offset: int = 0,
    numel: int = 0,
    kind: str = "FloatStorage",
) -> bytes:
    steps = [1]
    for count in reversed(shape[1:]):
        steps.insert(0, steps[0] * count)
    return call(
        named("torch._utils", "_rebuild_tensor_v2"),
        stored(key, numel, kind),
        number(offset),
        whole(*shape),
        whole(*(stride if stride is not None else steps[: len(shape)])),
        FALSE,
        call(named("collections", "OrderedDict")),
    )


def stream(value: bytes, protocol: int = 2) -> bytes:
    return b"\x80" + bytes([protocol]) + value + b"."


def checkpoint(network: bytes, **others: bytes) -> bytes:
    return stream(mapped({"model": network, **others}))


def convolution(key: str, rows: int, *, bias: bool = True) -> bytes:
    """A 1 x 1 convolution from one channel: `rows` weights, and with bias as many biases."""
    parameters = {"weight": tensor(key, (rows, 1, 1, 1))}
    if bias:
        parameters["bias"] = tensor(key, (rows,))
    return module(named("torch.nn.modules.conv", "Conv2d"), parameters=parameters)


def detector(
    *levels: bytes,
    names: bytes = numbered(text("ant"), text("bee")),
    strides: bytes | None = tensor("stride", (2,)),
    head: bytes = named("ultralytics.nn.modules.head", "Detect"),
) -> bytes:
    """A network of nothing but a head; each level is the last convolution of its class branch."""
    branches = {str(at): module(modules={"2": level}) for at, level in enumerate(levels)}
    attributes = {} if strides is None else {"stride": strides}
    last = module(head, modules={"cv3": module(modules=branches)}, **attributes)
    layers = module(modules={"0": last})
    return module(modules={"model": layers}, names=names)


def floats(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


SOUND_STORAGES = {"c": floats(*range(64)), "stride": floats(8, 16)}


def zipped(
    path: Path,
    pickle: bytes,
    storages: Mapping[str, bytes] = SOUND_STORAGES,
    *,
    compression: int = zipfile.ZIP_STORED,
    byteorder: bytes = b"little",
    extra: Mapping[str, bytes] | None = None,
) -> Path:
    """Put a pickle and its storages into an archive as torch.save lays it out."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", pickle)
        archive.writestr("archive/byteorder", byteorder)
        for key, data in storages.items():
            archive.writestr(f"archive/data/{key}", data)
        archive.writestr("archive/version", b"3\n")
        for name, data in (extra or {}).items():
            archive.writestr(name, data)
    return path
