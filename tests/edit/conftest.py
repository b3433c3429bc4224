"""Fixtures for the tests of edits."""

from __future__ import annotations

from pathlib import Path

import pytest

import models


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A YOLOv8 of four classes: ant, bee, cat, dog. Tests only read it."""
    return models.detector(tmp_path_factory.mktemp("tiny"), nc=4)
