"""Run one command in this process, with the exit code that the whole command line would give."""

from __future__ import annotations

from dataclasses import dataclass

from click.testing import CliRunner

from headlab.cli.main import app
from headlab.errors import HeadlabError


@dataclass(frozen=True)
class Done:
    """What a command did: exit code, standard output, standard error (and the error raised)."""

    code: int
    out: str
    err: str

    @property
    def words(self) -> list[list[str]]:
        """The words of each line of standard output."""
        return [line.split() for line in self.out.splitlines()]


def run(*args: object) -> Done:
    """Run `headlab ARGS...`; an error raised on purpose ends with exit code 2, as in `cli.main.run`."""
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    if isinstance(result.exception, HeadlabError):
        return Done(2, result.stdout, f"{result.stderr}{result.exception}")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)
