"""Every error that headlab raises on purpose.

    HeadlabError
    ├─ InputError            the user's input was wrong: exit code 2
    │  ├─ CheckpointError    a model file cannot be read, or is not what it says
    │  ├─ UnsupportedHead    the file is sound, but its head is of a kind headlab does not describe
    │  ├─ UnknownName        no such class, level, tensor or operation; names the nearest
    │  ├─ RecipeError        the edit contradicts itself, or does not fit the model
    │  ├─ SourceError        no image or video to work on
    │  └─ MissingExtra       a package that is not installed is needed; names the extra that brings it
    ├─ OutputError           the result could not be written; nothing was changed: exit code 2
    └─ TrainingError         a training cannot go on; its last checkpoint is on the disk: exit code 2

A message says what is wrong and where; `hint` says what to do next. Only the command line turns an
error into an exit code.
"""

from __future__ import annotations

from collections.abc import Iterable


class HeadlabError(Exception):
    """Base of all errors raised on purpose.

    Args:
        message: what is wrong, and where.
        hint: what to do next; empty if there is nothing to add.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class InputError(HeadlabError):
    """The user's input was wrong."""


class CheckpointError(InputError):
    """A model file cannot be read, or is not what it says it is."""


class UnsupportedHead(InputError):
    """The model's head is of a kind that headlab does not describe."""


class RecipeError(InputError):
    """An edit contradicts itself, or does not fit the model."""


class SourceError(InputError):
    """There is no image or video to work on."""


class MissingExtra(InputError):
    """Packages that an optional part of headlab needs are not installed.

    Args:
        purpose: what needs them, such as "Training".
        packages: what is missing.
        extra: the extra of headlab that brings them.
    """

    def __init__(self, purpose: str, packages: Iterable[str], extra: str) -> None:
        *others, last = packages
        names = f"{', '.join(others)} and {last}" if others else last
        super().__init__(
            f"{purpose} needs {names}, which {'are' if others else 'is'} not installed.",
            f"Install {'them' if others else 'it'}: pip install 'headlab[{extra}]'",
        )
        self.extra = extra


class OutputError(HeadlabError):
    """The result could not be written; nothing was changed."""


class TrainingError(HeadlabError):
    """A training cannot go on; its last checkpoint is on the disk."""


class UnknownName(InputError):
    """No such class, level, tensor or operation.

    Args:
        kind: what was looked up, such as "class" or "level".
        name: what the user wrote.
        known: the names that exist.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        import difflib

        names = [str(each) for each in known]
        folded = {each.casefold(): each for each in names}
        nearest = difflib.get_close_matches(name.casefold(), list(folded), n=3, cutoff=0.5)
        if nearest:
            hint = "Did you mean " + " or ".join(repr(folded[each]) for each in nearest) + "?"
        else:
            shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
            hint = f"Known: {shown}." if names else "There are none."
        super().__init__(f"There is no {kind} {name!r}.", hint)
        self.kind = kind
        self.name = name
