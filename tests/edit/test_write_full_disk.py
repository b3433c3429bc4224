"""An edit of a YOLOv3 file that the disk has no room for."""

from __future__ import annotations

import resource
import signal
from pathlib import Path

import pytest

from headlab.edit.apply import apply
from headlab.edit.plan import plan
from headlab.edit.recipe_from_options import recipe_from_options
from headlab.edit.write import save
from headlab.errors import OutputError
from headlab.families.identify import identify
from headlab.families.read import read
from yolov3_models import random_model, saved


@pytest.mark.parametrize("suffix", [".weights", ".h5", ".weights.h5", ".safetensors"])
def test_a_full_disk_is_no_fault_of_the_input(tmp_path: Path, suffix: str) -> None:
    source = saved(random_model(), tmp_path / f"model{suffix}")
    checkpoint, recipe = read(source), recipe_from_options({"shift": ["P5/2=1"]})
    edited = apply(checkpoint, plan(checkpoint, identify(checkpoint), recipe))
    there = sorted(tmp_path.iterdir())
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    out = tmp_path / f"o{suffix}"
    try:
        with pytest.raises(OutputError, match="cannot be written") as error:
            save(edited, out, [recipe])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert str(error.value).startswith(str(out))
    assert sorted(tmp_path.iterdir()) == there
