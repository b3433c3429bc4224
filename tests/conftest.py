"""Fixtures that many tests share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import models
from headlab.results import fonts

# Small models run fastest on one thread, and tests run side by side; torch reads this when imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

_LONGEST_FIRST = (
    *("test_docs.py", "test_bccd.py", "test_examples.py", "test_pipes.py", "test_prediction.py"),
    *(
        "test_resume.py",
        "test_train_runs.py",
        "test_yolov3_network.py",
        "test_fused.py",
        "test_site.py",
    ),
)
"""What takes long begins early, so that no process is left alone with it."""

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A process of `--dist loadgroup` takes a file at a time; of the documents, a page at a time."""
    for item in items:
        page = getattr(item, "callspec", None) and item.callspec.params.get("page")
        group = (
            page.name
            if isinstance(page, Path)
            else str(item.path.relative_to(Path(__file__).parent))
        )
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: item.path.name not in _LONGEST_FIRST)


@pytest.fixture(scope="session", autouse=True)
def no_installed_fonts() -> Iterator[None]:
    """What is drawn in tests is drawn with the fonts that come with dependencies, whatever is installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fonts, "_book", fonts.FontBook(fonts.packaged_fonts(), tuple))
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder ../shared/data with real weights, photos and annotations; skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared/data (real weights and photos), which is not here")
    return SHARED


@pytest.fixture(scope="session")
def yolov8n(shared: Path) -> Path:
    """The real YOLOv8n checkpoint."""
    return shared / "weights" / "yolov8n.pt"


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Build a small real model once per session: `small("yolo26", nc=5)` is the path of its file."""
    built: dict[str, Path] = {}

    def build(kind: str = "yolov8", **options: Any) -> Path:
        key = f"{kind} {sorted(options.items())}"
        if key not in built:
            folder = tmp_path_factory.mktemp("model")
            built[key] = models.detector(folder, kind=kind, **options)
        return built[key]

    return build


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A YOLOv8 of four classes: ant, bee, cat, dog. Tests only read it."""
    return models.detector(tmp_path_factory.mktemp("tiny"), nc=4)
