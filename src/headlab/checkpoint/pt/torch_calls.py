"""The few calls in a checkpoint's pickle that describe data: tensors, storages, plain containers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headlab.checkpoint.pt.objects import Global, StorageRef, TensorRef
from headlab.errors import CheckpointError

ITEM_BYTES = {
    "bfloat16": 2,
    "bool": 1,
    "float16": 2,
    "float32": 4,
    "float64": 8,
    "int16": 2,
    "int32": 4,
    "int64": 8,
    "int8": 1,
    "uint16": 2,
    "uint32": 4,
    "uint64": 8,
    "uint8": 1,
}

_STORAGE_DTYPES = {
    "BFloat16Storage": "bfloat16",
    "BoolStorage": "bool",
    "ByteStorage": "uint8",
    "CharStorage": "int8",
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "IntStorage": "int32",
    "LongStorage": "int64",
    "ShortStorage": "int16",
    "UntypedStorage": "uint8",
}

_LONGEST_KEY = 64
_MOST_AXES = 16
_TOO_MANY = 1 << 47
"""Elements: more than any file holds, and few enough that sizes in bytes fit 64 bits."""


def storage(reference: Any, where: str) -> StorageRef:
    """Read a persistent id: `("storage", class, key, location, number of elements)`.

    Raises:
        CheckpointError: it is not of that form.
    """
    match reference:
        case ("storage", Global(module="torch" | "torch.storage", name=name), str(key), _, int(n)):
            named = key.isalnum() and len(key) <= _LONGEST_KEY
            if name in _STORAGE_DTYPES and 0 <= n < _TOO_MANY and named:
                return StorageRef(key, _STORAGE_DTYPES[name], n)
    raise CheckpointError(
        f"{where}: a storage is described in a way that headlab does not know.",
        "Only files written by torch.save (PyTorch 1.6 or later) are read.",
    )


def rebuilt(function: Global, args: tuple[Any, ...]) -> Any:
    """The data that a call describes, or None if the call is not one of the few known ones."""
    known = _CALLS.get((function.module, function.name))
    return known(args) if known else None


def _tensor(args: tuple[Any, ...]) -> TensorRef | None:
    """`_rebuild_tensor_v2(storage, offset, shape, stride, …)`."""
    match args:
        case (StorageRef() as of, int(offset), tuple(shape), tuple(stride), *_):
            counts = (offset, *shape[:_MOST_AXES], *stride[:_MOST_AXES])
            whole = all(type(n) is int and 0 <= n < _TOO_MANY for n in counts)
            if len(shape) == len(stride) <= _MOST_AXES and whole:
                return TensorRef(of, offset, shape, stride)
    return None


def _typed_tensor(args: tuple[Any, ...]) -> TensorRef | None:
    """`_rebuild_tensor_v3(storage, offset, shape, stride, grad, hooks, dtype)`: untyped bytes."""
    tensor = _tensor(args)
    match args[6:7]:
        case (Global(module="torch", name=dtype),) if dtype in ITEM_BYTES and tensor:
            count = tensor.storage.numel // ITEM_BYTES[dtype]
            of = StorageRef(tensor.storage.key, dtype, count)
            return TensorRef(of, tensor.offset, tensor.shape, tensor.stride)
    return None


def _parameter(args: tuple[Any, ...]) -> TensorRef | None:
    return args[0] if args and isinstance(args[0], TensorRef) else None


def _ordered_dict(args: tuple[Any, ...]) -> dict[Any, Any] | None:
    return {} if not args else None


def _size(args: tuple[Any, ...]) -> tuple[Any, ...] | None:
    return args[0] if len(args) == 1 and isinstance(args[0], tuple) else None


_CALLS: dict[tuple[str, str], Callable[[tuple[Any, ...]], Any]] = {
    ("collections", "OrderedDict"): _ordered_dict,
    ("torch", "Size"): _size,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): _parameter,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor_v3"): _typed_tensor,
}
