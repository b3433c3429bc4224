"""What headlab asks of a family of models."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Generic, TypeVar

if TYPE_CHECKING:
    from headlab.checkpoint.checkpoint import Checkpoint
    from headlab.checkpoint.file_format import FileFormat
    from headlab.checkpoint.yolov3.companion_files import CompanionFiles
    from headlab.detect.detector import Runnable
    from headlab.families.facts import Facts, Section
    from headlab.heads.layout import Layout

C = TypeVar("C", bound="Checkpoint")


class Family(ABC, Generic[C]):
    """Models that are read, described, built and run in the same way.

    A family is a folder with a module `family`, which has the one subclass, and a row in
    `headlab.families.table`. That module is imported whenever a model file is read, so it imports the rest
    of its folder within its methods.

    Attributes:
        name: its folder's name.
        formats: the file formats of its models; a suffix that ends in another one comes before it.
        converts: whether `headlab convert` makes each of these formats from any other.
    """

    name: str
    formats: tuple[FileFormat, ...]
    converts: bool = False

    @abstractmethod
    def recognises(self, path: Path, first_bytes: bytes) -> bool:
        """Whether `read` is to read a file.

        A family whose files another one reads already, such as a `.pt` with a head of its own, says no
        here and yes in `owns`.

        Args:
            path: the file, or a folder; it may be missing.
            first_bytes: 16 of them, or as many as there are.
        """

    @abstractmethod
    def read(self, path: Path, companions: CompanionFiles | None) -> C:
        """Read a file as data: nothing in it is imported or called.

        Args:
            path: the file.
            companions: files that the user named, such as the class names; None if none were.

        Raises:
            CheckpointError: the file is missing, damaged, in another format, or holds no model.
            InputError: files are named in `companions` that the format has no use for.
        """

    def owns(self, checkpoint: Checkpoint) -> bool:
        """Whether a checkpoint that was read is of this family; by default its format decides."""
        return checkpoint.format in {each.name for each in self.formats}

    @abstractmethod
    def describe(self, checkpoint: C) -> Layout:
        """The layout of the head, with the detection settings that it has and lacks.

        Raises:
            UnsupportedHead: the head is of a kind that headlab does not describe.
            CheckpointError: the file contradicts itself.
        """

    @abstractmethod
    def build(self, checkpoint: C) -> Any:
        """The network, as edited, in float32 and evaluation mode.

        Raises:
            UnsupportedHead: models of this family have no network that can be built.
            CheckpointError: the file contradicts itself, or holds NaN or infinite values.
        """

    @abstractmethod
    def runnable(self, checkpoint: C, network: Callable[[], Any] | None = None) -> Runnable:
        """What makes detectors of a model.

        Args:
            checkpoint: the model.
            network: returns the network of `build`, for families that run it as it is; by default it is
                built.

        Raises: as `describe` and `build`.
        """

    def write(self, checkpoint: C, file: BinaryIO) -> None:
        """Write an edited model in its own format; to be replaced where an edit of shapes needs more.

        Raises:
            CheckpointError: the input is damaged, or a value does not fit its dtype.
        """
        checkpoint.write(file)

    def remarks(self, checkpoint: C) -> tuple[str, ...]:
        """What is known of this very file beyond what it says, in sentences."""
        return ()

    def warnings(self, checkpoint: C) -> tuple[str, ...]:
        """What makes a file dangerous for other programs, in sentences; a strict `load` refuses it."""
        return ()

    def losses(self, checkpoint: C) -> tuple[str, ...]:
        """What `write` leaves out of an edited model, in sentences."""
        return ()

    @abstractmethod
    def facts(self, checkpoint: C, layout: Layout) -> Facts:
        """What `headlab inspect` says of a model beyond its layout; without torch."""

    @abstractmethod
    def explain(
        self, checkpoint: C, layout: Layout, input_hw_px: tuple[int, int]
    ) -> tuple[Section, ...]:
        """Where the model's numbers come from, for `headlab inspect --explain`; without torch.

        Args:
            checkpoint: the model, of which only names and shapes of tensors are read.
            layout: its head.
            input_hw_px: the input's height and width, multiples of the largest stride.
        """
