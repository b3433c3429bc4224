"""A training goes on though its data set has moved, if it is still the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawn_photos import draw_set, planned_on

from headlab.errors import InputError
from headlab.train.api import resume
from headlab.train.engine.saving import Keeper
from headlab.train.engine.state import Progress


def test_the_data_set_may_have_moved(tmp_path: Path) -> None:
    text, run = draw_set(tmp_path / "here", 6), tmp_path / "run"
    begun = planned_on(text, run)
    keeper = Keeper(begun, first=True)
    keeper.begin()
    keeper.keep(begun.network, Progress(epoch=1, epochs=1), {}, best=False)
    content = text.read_text().replace(f"{text.parent}/", f"{tmp_path}/there/")
    text.parent.rename(tmp_path / "there")
    moved = tmp_path / "there" / text.name
    moved.write_text(content)
    planned = resume(run, moved)
    assert planned.config.data.train == str(moved)
    assert planned.train.paths[0].startswith(f"{tmp_path}/there/")
    moved.write_text(content.replace(",0\n", ",1\n"))
    with pytest.raises(InputError, match="photos or boxes have changed"):
        resume(run, {"train": moved})
