"""Run a network over images once, and store what it makes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import polars as pl

from headlab.boxes.table import BoxTable
from headlab.detect.candidates import Candidates
from headlab.detect.detector import Detector, Runnable
from headlab.detect.settings import Settings
from headlab.detect.sources import Source
from headlab.detect.steps import Step, steps
from headlab.errors import InputError, OutputError
from headlab.files.folder import make_folder
from headlab.results.progress import Progress
from headlab.runs.annotations import write_annotations
from headlab.runs.header import Header, read_header
from headlab.runs.parts import Writer, file_fingerprint, started, stored_images
from headlab.runs.schema import HEADER


def record(
    network: Runnable,
    sources: Sequence[Source],
    settings: Settings,
    header: Header,
    folder: Path,
    *,
    unreadable: Mapping[str, str] | None = None,
    annotations: BoxTable | None = None,
    progress: Progress | None = None,
) -> Header:
    """Store a run; one that was stopped goes on behind its last part.

    Args:
        network: what `headlab.families.network.runnable` returned.
        sources: the images and videos.
        settings: how to detect, with a `conf` that leaves the detector's own NMS nothing to do.
        header: how the run is made.
        folder: where it goes; a new or empty folder, or that of the same run.
        unreadable: sources, by name, that need not be tried, and why.
        annotations: what is to be found in the images; upright, as the images are read.
        progress: called after each image with how many are done, and of how many if there are no videos.

    Returns:
        the header as written.

    Raises:
        OutputError: the folder holds something else, or cannot be written; complete parts stay.
        InputError: images of the part that is there have changed.
    """
    there = _begun(header, folder)
    if there is not None and there.complete:
        return there
    writer = started(folder, header.layout)
    if there is None:
        if annotations is not None:
            write_annotations(annotations, folder)
        header.write(folder)
    done = stored_images(folder)
    check_unchanged(done)
    total = None if any(source.is_video for source in sources) else len(sources)
    detector = network.detector(settings)
    for count, step in enumerate(_rest(done, sources, unreadable or {}, detector), done.height + 1):
        _store(step, writer, header.floor)
        if progress is not None:
            progress(count, total)
    writer.finish()
    finished = replace(header, complete=True)
    finished.write(folder)
    return finished


def _begun(header: Header, folder: Path) -> Header | None:
    """The header of the run that is there already; None where there is none.

    Raises:
        OutputError: the folder holds something else.
    """
    if (folder / HEADER).exists():
        there = read_header(folder)
        difference = header.difference(there)
        if difference:
            raise OutputError(
                f"{folder} has a run {difference}.",
                "Give another folder, or remove that one.",
            )
        return there
    make_folder(folder)
    if any(folder.iterdir()):
        raise OutputError(f"{folder} has files, but no run.", "Give a new folder.")
    return None


def check_unchanged(images: pl.DataFrame) -> None:
    """Refuse to go on where photos of a run hold other bytes now; those that are gone do not matter.

    Raises:
        InputError: one does.
    """
    for image, path, sha256 in images.select("image", "path", "sha256").iter_rows():
        now = file_fingerprint(Path(path)) if path is not None and sha256 is not None else None
        if now is not None and now != sha256:
            raise InputError(
                f"{image}: the photo has changed since the run began.",
                "Make the run again in another folder.",
            )


def _rest(
    done: pl.DataFrame,
    sources: Sequence[Source],
    unreadable: Mapping[str, str],
    detector: Detector,
) -> Iterator[Step]:
    """What is left to do; the last video is begun again, without the frames that are stored."""
    stored = Counter(done["image"].to_list())
    for source in sources:
        if source.name in unreadable and source.name not in stored:
            yield Step(source, reason=unreadable[source.name])
    rest = [source for source in sources if source.name not in unreadable]
    yield from steps(
        detector,
        [source for source in rest if not source.is_video and source.name not in stored],
    )
    videos = [source for source in rest if source.is_video]
    begun = [at for at, video in enumerate(videos) if video.name in stored]
    for video in videos[begun[-1] if begun else 0 :]:
        yield from islice(steps(detector, [video]), stored[video.name], None)


def _store(step: Step, writer: Writer, floor: float) -> None:
    prediction, source = step.prediction, step.source
    if prediction is None:
        writer.add(source.name, source.path, step.frame, None, None, step.reason)
        return
    height, width = prediction.image_bgr.shape[:2]
    candidates = Candidates.of(prediction, floor)
    writer.add(source.name, source.path, step.frame, (height, width), candidates)
