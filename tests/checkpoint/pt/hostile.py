"""Checkpoints made to do harm to whoever loads them. `COMMANDS` run one, `BOMBS` exhaust their reader.

Each command creates a file named canary-<name> in the current folder when Python's own unpickler reads it.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

from pickles import (
    EMPTY_TUPLE,
    NONE,
    call,
    checkpoint,
    detector,
    floats,
    get,
    group,
    instance,
    listed,
    mapped,
    module,
    named,
    number,
    numbered,
    put,
    stream,
    tensor,
    text,
    zipped,
)


def _canary(name: str) -> bytes:
    return text(f"touch canary-{name}")


_SYSTEM = named("os", "system")
_OPEN = call(named("builtins", "open"), text("canary-open"), text("w"))
_NO_KEYWORDS, _EX = mapped({}), b"\x92"
_IMPORT = "__import__('os').system('touch canary-{}')"

COMMANDS: dict[str, bytes] = {
    "reduce": call(_SYSTEM, _canary("reduce")),
    "inst": b"(" + _canary("inst") + b"ios\nsystem\n",
    "obj": b"(" + named("subprocess", "Popen") + listed(text("touch"), text("canary-obj")) + b"o",
    # `__new__` of map and bytes: bytes takes its numbers from the map, which calls os.system for each.
    "newobj": named("builtins", "bytes")
    + group(named("builtins", "map") + group(_SYSTEM, listed(_canary("newobj"))) + b"\x81")
    + b"\x81",
    "newobj_ex": named("builtins", "bytes")
    + group(
        named("builtins", "map") + group(_SYSTEM, listed(_canary("newobj_ex"))) + _NO_KEYWORDS + _EX
    )
    + _NO_KEYWORDS
    + _EX,
    # BUILD finds `__setstate__` where an earlier BUILD has put it: in the object's own __dict__.
    "build": instance(
        named("types", "SimpleNamespace"), mapped({"__setstate__": named("os", "system")})
    )
    + _canary("build")
    + b"b",
    "stack_global": text("os") + text("system") + b"\x93" + group(_canary("stack_global")) + b"R",
    "nested_in_a_tensor": call(
        named("torch._utils", "_rebuild_tensor_v2"), call(_SYSTEM, _canary("nested_in_a_tensor"))
    ),
    "posix": call(named("posix", "system"), _canary("posix")),
    "open": _OPEN,
    "write": call(
        call(named("operator", "methodcaller"), text("write_text"), text("x")),
        call(named("pathlib", "Path"), text("canary-write")),
    ),
    "eval": call(named("builtins", "eval"), text(_IMPORT.format("eval"))),
    "exec": call(named("builtins", "exec"), text(_IMPORT.format("exec"))),
    "getattr": call(
        call(
            named("builtins", "getattr"),
            call(named("builtins", "__import__"), text("os")),
            text("system"),
        ),
        _canary("getattr"),
    ),
    "dict_key": b"}" + call(_SYSTEM, _canary("dict_key")) + NONE + b"s",
    "list_subclass": call(named("os", "system"), _canary("list_subclass")) + b"0" + listed(NONE),
    "memo": _SYSTEM + put(1) + b"0" + get(1) + group(_canary("memo")) + b"R",
    "runpy": call(
        named("runpy", "_run_code"),
        text(_IMPORT.format("runpy")),
        mapped({}),
    ),
}
"""By name: the opcodes that push an object whose making runs a command."""


def command_files(folder: Path) -> None:
    """Write each command three times: in place of the network, beside a sound one, and inside it."""
    for name, command in COMMANDS.items():
        sound = module(parameters={"weight": tensor("c", (4,))})
        inside = module(parameters={"weight": tensor("c", (4,)), "bias": command})
        zipped(folder / f"{name}-alone.pt", stream(command))
        zipped(folder / f"{name}-beside.pt", checkpoint(sound, evil=command, names=command))
        zipped(folder / f"{name}-inside.pt", checkpoint(inside))


_DEEP = 100_000
_WIDE = 50_000


def _doubling_tuple(levels: int) -> bytes:
    return EMPTY_TUPLE + b"2\x86" * levels  # DUP, TUPLE2: each level holds the one below twice


def _doubling_list(levels: int) -> bytes:
    """Lists of a thousand references to the list below."""
    deeper = listed(text("x" * 1000))
    for level in range(levels):
        deeper = deeper + put(level) + b"0" + listed(*[get(level)] * 1000)
    return deeper


def _doubling_modules(levels: int) -> bytes:
    made = module(parameters={"w": tensor("c", (1,))})
    for level in range(levels):
        made = made + put(level) + b"0" + module(modules={"a": get(level), "b": get(level)})
    return made


def _module_in_itself(children: int) -> bytes:
    """A module whose children are all the module itself."""
    names = {f"m{at}": get(1) for at in range(children)}
    state = mapped({"_modules": mapped(names), "_parameters": mapped({}), "_buffers": mapped({})})
    return named("torch.nn", "Module") + EMPTY_TUPLE + b"\x81" + put(1) + state + b"b"


def _modules_of_many(kind: str, value: bytes) -> bytes:
    """A thousand modules that share one dict of fifty thousand entries."""
    held = mapped({f"t{at}": value for at in range(_WIDE)}) + put(1) + b"0"
    cls = named("torch.nn", "Module")
    each = instance(cls, mapped({"_modules": mapped({}), kind: get(1)}))
    return held + module(modules={f"m{at}": each for at in range(1000)})


def _deep_instances() -> bytes:
    return (
        named("a", "b")
        + EMPTY_TUPLE
        + b"\x81"
        + b"".join(
            put(1) + b"0" + named("a", "b") + EMPTY_TUPLE + b"\x81" + get(1) + b"b"
            for _ in range(_DEEP)
        )
    )


def _sound(**others: bytes) -> bytes:
    return checkpoint(detector(*_LEVELS), **others)


def _conv() -> bytes:
    parameters = {"weight": tensor("c", (2, 1, 1, 1)), "bias": tensor("c", (2,))}
    return module(named("torch.nn", "Conv2d"), parameters=parameters)


_LEVELS = (_conv(), _conv())

_EQUAL_HASHES = [at * (2**61 - 1) for at in range(1, 40_000)]

BOMBS: dict[str, Callable[[], bytes]] = {
    "memo number 2**31-1": lambda: _sound(x=NONE + put(2**31 - 1)),
    "doubling tuple": lambda: _sound(x=_doubling_tuple(200)),
    "doubling tuple as a key": lambda: _sound(x=b"}" + _doubling_tuple(200) + NONE + b"s"),
    "doubling tuple as a class name": lambda: checkpoint(
        detector(*_LEVELS, names=numbered(_doubling_tuple(200), text("b")))
    ),
    "doubling list": lambda: _sound(x=_doubling_list(7)),
    "doubling description": lambda: checkpoint(
        module(modules={"model": _doubling_modules(3)}, yaml=mapped({"a": _doubling_list(7)}))
    ),
    "doubling modules": lambda: checkpoint(_doubling_modules(60)),
    "module in itself": lambda: checkpoint(_module_in_itself(1)),
    "module in itself often": lambda: checkpoint(_module_in_itself(_WIDE)),
    "modules of many empty parameters": lambda: checkpoint(_modules_of_many("_parameters", NONE)),
    "modules of many empty buffers": lambda: checkpoint(_modules_of_many("_buffers", NONE)),
    "modules of many odd children": lambda: checkpoint(_modules_of_many("_modules", NONE)),
    "deep lists": lambda: _sound(x=b"]" * _DEEP + b"a" * (_DEEP - 1)),
    "deep lists as a class name": lambda: checkpoint(
        detector(*_LEVELS, names=numbered(b"]" * _DEEP + b"a" * (_DEEP - 1), text("b")))
    ),
    "deep tuples": lambda: _sound(x=EMPTY_TUPLE + b"\x85" * _DEEP),
    "deep tuples as a key": lambda: _sound(x=b"}" + EMPTY_TUPLE + b"\x85" * _DEEP + NONE + b"s"),
    "deep objects": lambda: _sound(x=_deep_instances()),
    "deep description": lambda: checkpoint(
        module(modules={"model": module()}, yaml=mapped({"a": b"]" * _DEEP + b"a" * (_DEEP - 1)}))
    ),
    "list in itself as description": lambda: checkpoint(
        module(yaml=mapped({"a": b"]" + put(1) + get(1) + b"a"}))
    ),
    "tensor of 10**12 elements": lambda: checkpoint(
        module(parameters={"w": tensor("c", (10**12,), (0,), numel=1)})
    ),
    "tensor of 10**5000 elements": lambda: checkpoint(
        module(parameters={"w": tensor("c", (10**5000,), (1,), numel=1)})
    ),
    "empty tensor of 10**30": lambda: checkpoint(
        module(parameters={"w": tensor("c", (0, 10**10, 10**10, 10**10), (1, 1, 1, 1))})
    ),
    "tensor of many axes": lambda: checkpoint(
        module(parameters={"w": tensor("c", (1,) * 1000, (1,) * 1000)})
    ),
    "storage longer than its entry": lambda: checkpoint(
        module(parameters={"w": tensor("c", (10**6,), numel=10**6)})
    ),
    "tensor far behind its storage": lambda: checkpoint(
        module(parameters={"w": tensor("c", (1,), offset=2**46)})
    ),
    "storage in another folder": lambda: checkpoint(
        module(parameters={"w": tensor("../../../etc/passwd", (1,))})
    ),
    "strides of another shape": lambda: checkpoint(
        detector(*_LEVELS, strides=tensor("c", (10**6,), (0,)))
    ),
    "keys with equal hashes": lambda: _sound(
        x=b"}(" + b"".join(number(n) + NONE for n in _EQUAL_HASHES) + b"u"
    ),
    "memo numbers with equal hashes": lambda: _sound(
        x=NONE + b"".join(f"p{n}\n".encode() for n in _EQUAL_HASHES)
    ),
    "long equal keys": lambda: _sound(
        x=b"}"
        + text("k" * 10**6)
        + put(1)
        + NONE
        + b"s"
        + text("k" * 10**6)
        + put(2)
        + b"0"
        + (get(2) + NONE + b"s") * 20_000
    ),
    "shared arguments": lambda: _sound(
        x=group(*[NONE] * _WIDE) + put(1) + b"0" + b"](" + (NONE + get(1) + b"R") * 20_000 + b"e"
    ),
    "shared keywords": lambda: _sound(
        x=mapped({str(at): NONE for at in range(_WIDE)})
        + put(1)
        + b"0"
        + named("a", "b")
        + put(2)
        + b"0]("
        + (get(2) + EMPTY_TUPLE + get(1) + _EX) * 20_000
        + b"e"
    ),
    "shared sets": lambda: _sound(
        x=group(listed(*[NONE] * _WIDE))
        + put(1)
        + b"0"
        + named("builtins", "set")
        + put(2)
        + b"0]("
        + (get(2) + get(1) + b"R") * 20_000
        + b"e"
    ),
    "many sets": lambda: _sound(x=b"](" + b"\x8f" * 1_100_000 + b"e"),
    "wide class name": lambda: checkpoint(
        detector(*_LEVELS, names=numbered(number(10**5000), text("b")))
    ),
    "class names without end": lambda: checkpoint(
        detector(*_LEVELS, names=text("x" * 10**6) + put(1) + b"0](" + get(1) * 20_000 + b"e")
    ),
    "long module names": lambda: checkpoint(_long_names(text("m" * 10**6), 60)),
}
"""By name: makes a pickle that exhausts time, memory or the stack of a careless reader."""


def _long_names(name: bytes, levels: int) -> bytes:
    made = name + put(0) + b"0" + module(parameters={"w": tensor("c", (1,))})
    for level in range(1, levels):
        inner = b"}" + get(0) + get(level) + b"s"
        state = b"}(" + text("_modules") + inner + b"u"
        made = made + put(level) + b"0" + instance(named("torch.nn", "Module"), state)
    return made


def bomb_files(folder: Path) -> None:
    """Write each bomb, and a zip entry that unpacks to a thousand times its size."""
    storages = {"c": floats(*range(4)), "stride": floats(8, 16)}
    for name, make in BOMBS.items():
        zipped(folder / f"{name}.pt", make(), storages)
    zeros = stream(b"X" + (1 << 26).to_bytes(4, "little") + bytes(1 << 26))
    zipped(folder / "compressed.pt", zeros, compression=zipfile.ZIP_DEFLATED)
