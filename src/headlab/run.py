"""A stored run: what one pass of a network made of images, to be asked anything without the network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from headlab.heads.layout import Layout
from headlab.plain_text import counted
from headlab.runs.run import StoredRun

if TYPE_CHECKING:
    import polars as pl
    from typing_extensions import Unpack

    from headlab.evaluate.evaluation import Evaluation
    from headlab.evaluate.settings import EvaluationSettings
    from headlab.results.progress import Progress


class Run:
    """A run in a folder, as `--run DIR` stores it; `headlab.load_run` opens one.

    Attributes:
        stored: its files.
    """

    def __init__(self, stored: StoredRun) -> None:
        self.stored = stored

    @property
    def path(self) -> Path:
        """Its folder."""
        return self.stored.folder

    @property
    def model(self) -> str:
        """The model's file, as it was named when the run was made."""
        return self.stored.header.model

    @property
    def layout(self) -> Layout:
        """The description of the model's head."""
        return self.stored.layout

    @property
    def class_names(self) -> tuple[str, ...]:
        """The model's class names, by class number."""
        return self.layout.class_names

    @cached_property
    def images(self) -> pl.DataFrame:
        """One row per image or frame; docs/runs.md describes the columns."""
        return self.stored.images

    def evaluate(
        self,
        *,
        without: Sequence[str] = (),
        progress: Progress | None = None,
        **settings: Unpack[EvaluationSettings],
    ) -> Evaluation:
        """Evaluate the run: the figures are those of `Model.evaluate`, to the last bit.

        Args:
            without: levels, such as "P5", and slots, such as "P5/2", whose candidates are left out.
            progress: called after each photo with how many are done, and of how many.
            settings: as of `Model.evaluate`. `conf` may not be lower than what the run stores; `imgsz`,
                `resize` and `end2end` must be those of the run, if they are given.

        Raises:
            InputError: the run has no annotations, does not hold what a setting asks for, or is damaged.
        """
        from headlab.evaluate.settings import Settings
        from headlab.evaluate.stored import evaluate_stored

        return evaluate_stored(
            self.stored, Settings(**settings), without=without, progress=progress
        )

    def __len__(self) -> int:
        """The number of images and frames."""
        return self.images.height

    def __repr__(self) -> str:
        return f"<Run {self.path}: {counted(len(self), 'image')}, {Path(self.model).name}>"


def load_run(path: str | Path) -> Run:
    """Open a stored run.

    Args:
        path: its folder.

    Raises:
        InputError: there is none, it is damaged, it is not complete, or a newer headlab wrote it.
    """
    return Run(StoredRun.read(Path(path)))
