"""What each pickle opcode does to the machine. Opcodes that torch.save does not write are missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headlab.checkpoint.pt.machine import MARK, Machine
from headlab.checkpoint.pt.objects import Global, Instance, TensorRef
from headlab.checkpoint.pt.torch_calls import rebuilt, storage


def _called(m: Machine, function: Any, args: Any) -> Any:
    if not isinstance(args, tuple):
        raise m.error("a call with arguments that are not a tuple")
    if not isinstance(function, Global):
        return Instance(Global("", type(function).__name__), (function, args))
    if not _is_method_of_network(function, args):
        m.calls[function] = None
    value = rebuilt(function, args)
    return Instance(function, args) if value is None else value


def _is_method_of_network(function: Global, args: tuple[Any, ...]) -> bool:
    """Whether a call is how a bound method is pickled, such as a folded convolution's `forward_fuse`."""
    match (function.name, args):
        case ("getattr", (Instance(cls=of) | (Global() as of), str(method))):
            return of.module.startswith(("ultralytics.nn", "torch.nn")) and not method.startswith(
                "_"
            )
    return False


def _build(m: Machine, _: Any) -> None:
    state, target = m.pop(), m.top()
    if isinstance(target, Instance):
        target.state = state
    elif not isinstance(target, (TensorRef, dict)):
        raise m.error(f"a state is set on a {type(target).__name__}")


def _new_object_ex(m: Machine, _: Any) -> None:
    keywords, args, cls = m.pop(), m.pop(), m.pop()
    cls_name = cls if isinstance(cls, Global) else Global("", type(cls).__name__)
    m.calls[cls_name] = None
    m.push(Instance(cls_name, (args, keywords)))


def _new_object(m: Machine, _: Any) -> None:
    args, cls = m.pop(), m.pop()
    m.push(_called(m, cls, args))


def _named(m: Machine, _: Any) -> None:
    name, module = m.pop(), m.pop()
    m.push(m.name(module, name))


def _old_instance(m: Machine, _: Any) -> None:
    values, _ = m.pop_to_mark()
    if not values:
        raise m.error("an object of no class")
    m.push(_called(m, values[0], tuple(values[1:])))


def _inst(m: Machine, arg: Any) -> None:
    values, _ = m.pop_to_mark()
    module, _, name = str(arg).partition(" ")
    m.push(_called(m, m.name(module, name), tuple(values)))


def _dup(m: Machine, _: Any) -> None:
    m.push(m.top())


def _pop(m: Machine, _: Any) -> None:
    m.discard()


def _pop_mark(m: Machine, _: Any) -> None:
    m.pop_to_mark()


def _get(m: Machine, arg: Any) -> None:
    number = int(arg)
    if number not in m.memo:
        raise m.error(f"memo {number} is read before it is written")
    m.push(m.memo[number])


def _put(m: Machine, arg: Any) -> None:
    number = int(arg)
    if number >= 1 << 32:  # larger numbers can be chosen to have equal hashes
        raise m.error(f"memo number {number} is out of range")
    m.memo[number] = m.top()


def _memoize(m: Machine, _: Any) -> None:
    m.memo[len(m.memo)] = m.top()


def _persistent(m: Machine, arg: Any) -> None:
    m.push(storage(m.pop() if arg is None else arg, m.where))


def _set_item(m: Machine, _: Any) -> None:
    starts = m.starts[-2:]
    value, key = m.pop(), m.pop()
    m.set_entries(m.top(), [key, value], starts)


def _set_items(m: Machine, _: Any) -> None:
    pairs, starts = m.pop_to_mark()
    m.set_entries(m.top(), pairs, starts)


def _dict_of(m: Machine, _: Any) -> None:
    pairs, starts = m.pop_to_mark()
    made: dict[Any, Any] = {}
    m.set_entries(made, pairs, starts)
    m.push(made)


def _append_one(m: Machine, _: Any) -> None:
    start = m.starts[-1:]
    value = m.pop()
    m.append(m.top(), [value], start)


def _append_many(m: Machine, _: Any) -> None:
    values, starts = m.pop_to_mark()
    m.append(m.top(), values, starts)


def _add_items(m: Machine, _: Any) -> None:
    values, starts = m.pop_to_mark()
    m.append(m.top(), values, starts)


def _frozenset(m: Machine, _: Any) -> None:
    m.push(Instance(Global("builtins", "frozenset"), items=m.pop_to_mark()[0]))


def _tuple_of(count: int) -> Callable[[Machine, Any], None]:
    def take(m: Machine, _: Any) -> None:
        values = [m.pop() for _ in range(count)]
        m.push(tuple(reversed(values)))

    return take


def _marked(make: Callable[[list[Any]], Any]) -> Callable[[Machine, Any], None]:
    def take(m: Machine, _: Any) -> None:
        m.push(make(m.pop_to_mark()[0]))

    return take


def _constant(value: Any) -> Callable[[Machine, Any], None]:
    return lambda m, _: m.push(value)


def _literal(m: Machine, arg: Any) -> None:
    m.push(arg)


def _global(m: Machine, arg: Any) -> None:
    module, _, name = str(arg).partition(" ")
    m.push(m.name(module, name))


def _nothing(m: Machine, _: Any) -> None:
    return None


_LITERALS = [
    "BINBYTES",
    "BINBYTES8",
    "BINFLOAT",
    "BININT",
    "BININT1",
    "BININT2",
    "BINSTRING",
    "BINUNICODE",
    "BINUNICODE8",
    "BYTEARRAY8",
    "FLOAT",
    "INT",
    "LONG",
    "LONG1",
    "LONG4",
    "SHORT_BINBYTES",
    "SHORT_BINSTRING",
    "SHORT_BINUNICODE",
    "STRING",
    "UNICODE",
]

ACTIONS: dict[str, Callable[[Machine, Any], None]] = {
    **dict.fromkeys(_LITERALS, _literal),
    "ADDITEMS": _add_items,
    "APPEND": _append_one,
    "APPENDS": _append_many,
    "BINGET": _get,
    "BINPERSID": _persistent,
    "BINPUT": _put,
    "BUILD": _build,
    "DICT": _dict_of,
    "DUP": _dup,
    "EMPTY_DICT": lambda m, _: m.push({}),
    "EMPTY_LIST": lambda m, _: m.push([]),
    "EMPTY_SET": lambda m, _: m.push(Instance(Global("builtins", "set"))),
    "EMPTY_TUPLE": _constant(()),
    "FRAME": _nothing,
    "FROZENSET": _frozenset,
    "GET": _get,
    "GLOBAL": _global,
    "INST": _inst,
    "LIST": _marked(list),
    "LONG_BINGET": _get,
    "LONG_BINPUT": _put,
    "MARK": _constant(MARK),
    "MEMOIZE": _memoize,
    "NEWFALSE": _constant(False),
    "NEWOBJ": _new_object,
    "NEWOBJ_EX": _new_object_ex,
    "NEWTRUE": _constant(True),
    "NONE": _constant(None),
    "OBJ": _old_instance,
    "POP": _pop,
    "POP_MARK": _pop_mark,
    "PROTO": _nothing,
    "PUT": _put,
    "REDUCE": _new_object,
    "SETITEM": _set_item,
    "SETITEMS": _set_items,
    "STACK_GLOBAL": _named,
    "STOP": _nothing,
    "TUPLE": _marked(tuple),
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
}
"""By opcode name: a function of the machine and of the opcode's argument."""
