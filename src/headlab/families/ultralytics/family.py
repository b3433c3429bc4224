"""The family of ultralytics' anchor-free models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from headlab.checkpoint.file_format import FileFormat
from headlab.families.family import Family

if TYPE_CHECKING:
    from headlab.checkpoint.pt.checkpoint import PtCheckpoint
    from headlab.checkpoint.yolov3.companion_files import CompanionFiles
    from headlab.detect.detector import Runnable
    from headlab.families.facts import Facts, Section
    from headlab.heads.layout import Layout


class Ultralytics(Family["PtCheckpoint"]):
    """YOLOv8 and later, YOLOv5u and others that ultralytics 8 builds, in `.pt` files."""

    name = "ultralytics"
    formats = (FileFormat("pt", ".pt", "an ultralytics checkpoint", any_name=True),)

    def recognises(self, path: Path, first_bytes: bytes) -> bool:
        """Everything: the last of the table, its reader says of any other file what is wrong with it."""
        del path, first_bytes
        return True

    def read(self, path: Path, companions: CompanionFiles | None) -> PtCheckpoint:
        """See `Family.read`."""
        from headlab.checkpoint.pt.checkpoint import read
        from headlab.errors import InputError

        if companions is not None and (companions.cfg or companions.names or companions.anchors):
            raise InputError(
                f"{path}: a .pt file holds its classes and strides itself.",
                "Leave --cfg, --names and --anchors out.",
            )
        return read(path)

    def describe(self, checkpoint: PtCheckpoint) -> Layout:
        """See `Family.describe`."""
        from headlab.families.ultralytics.head import identify_pt

        return identify_pt(checkpoint)

    def build(self, checkpoint: PtCheckpoint) -> Any:
        """An `ultralytics.nn.tasks.DetectionModel` or a subclass of it; see `Family.build`."""
        from headlab.families.ultralytics.rebuild import rebuild

        return rebuild(checkpoint)

    def runnable(
        self, checkpoint: PtCheckpoint, network: Callable[[], Any] | None = None
    ) -> Runnable:
        """See `Family.runnable`."""
        from headlab.families.ultralytics.detector import UltralyticsRunnable

        made = network() if network else self.build(checkpoint)
        return UltralyticsRunnable(made, self.describe(checkpoint))

    def write(self, checkpoint: PtCheckpoint, file: BinaryIO) -> None:
        """Patch the stored bytes; where shapes changed, save the network anew as ultralytics does."""
        if checkpoint.keeps_shapes:
            checkpoint.write(file)
            return
        from headlab.families.ultralytics.rebuild import save_rebuilt

        save_rebuilt(checkpoint, file)

    def remarks(self, checkpoint: PtCheckpoint) -> tuple[str, ...]:
        """See `Family.remarks`."""
        from headlab.families.ultralytics.remarks import remarks

        return remarks(checkpoint)

    def warnings(self, checkpoint: PtCheckpoint) -> tuple[str, ...]:
        """See `Family.warnings`."""
        from headlab.checkpoint.pt.foreign import running_warning

        warning = running_warning(checkpoint.pickle)
        return (warning,) if warning else ()

    def losses(self, checkpoint: PtCheckpoint) -> tuple[str, ...]:
        """See `Family.losses`; a file whose bytes are patched loses nothing."""
        if checkpoint.keeps_shapes:
            return ()
        from headlab.families.ultralytics.metadata import losses

        return losses(checkpoint)

    def facts(self, checkpoint: PtCheckpoint, layout: Layout) -> Facts:
        """See `Family.facts`."""
        from headlab.families.ultralytics.facts import facts

        return facts(checkpoint, layout)

    def explain(
        self, checkpoint: PtCheckpoint, layout: Layout, input_hw_px: tuple[int, int]
    ) -> tuple[Section, ...]:
        """See `Family.explain`."""
        from headlab.families.ultralytics.explain import explanation

        return explanation(checkpoint, layout, input_hw_px)
