"""What an edit or its undoing wrote, in lines for a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from headlab.edit.formats import suffix_of

if TYPE_CHECKING:
    from headlab.edit.undo import Restored
    from headlab.edit.write import Saved


def saved_lines(saved: Saved) -> Iterator[str]:
    """The files, and the commands that go on from them."""
    yield f"wrote {saved.output} ({saved.size_bytes:,} bytes)"
    yield f"wrote {saved.manifest}"
    for path in saved.companions:
        yield f"wrote {path}"
    yield from saved.left_out
    if saved.no_undo:
        yield f"This edit cannot be undone: {saved.no_undo}."
    yield "next:"
    in_place = saved.output == saved.source
    name = shlex.quote(str(saved.output))
    yield f"  headlab trace {name} PHOTO"
    if not in_place:
        yield f"  headlab diff {shlex.quote(str(saved.source))} {name}"
    if not saved.no_undo:
        suffix = suffix_of(saved.output)
        restored = "RESTORED" + ("" if suffix == ".pt" else suffix)
        yield f"  headlab edit {name} --undo " + ("--in-place" if in_place else f"-o {restored}")


def restored_lines(restored: Restored) -> Iterator[str]:
    """The files, and what they equal."""
    original = restored.original
    yield f"wrote {restored.output}: the bytes of {original.name}"
    yield f"sha256 {original.sha256} ({original.bytes:,} bytes)"
    for path in restored.companions:
        yield f"wrote {path}"
    if restored.earlier_edit:
        yield "It is itself the result of an edit, which can be undone in turn."
