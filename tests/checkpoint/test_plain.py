"""Metadata becomes a small JSON value, whatever the file holds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headlab.checkpoint.plain import as_plain
from headlab.checkpoint.pt.objects import Global, Instance, StorageRef, TensorRef


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": (1, [2.5, None, True]), 3: "x"}, {"a": [1, [2.5, None, True]], "3": "x"}),
        (Instance(Global("argparse", "Namespace")), "argparse.Namespace"),
        (Global("torch", "float16"), "torch.float16"),
        (TensorRef(StorageRef("0", "float32", 1), 0, (1,), (1,)), "<TensorRef>"),
        (b"bytes", "<bytes>"),
        ([[[["deep"]]]], [[["…"]]]),
        ("half \udc00", "half \\udc00"),
        (10**5000, "…"),
        ({(10**5000,): 1}, {"['…']": 1}),
    ],
    ids=["nested", "object", "name", "tensor", "bytes", "deep", "surrogate", "wide", "wide key"],
)
def test_values(value: Any, expected: Any) -> None:
    assert as_plain(value, 3) == expected


def test_a_list_shared_a_thousand_times_at_every_level_stays_small() -> None:
    value: Any = "x" * 100
    for _ in range(6):
        value = [value] * 1000  # 1000 ** 6 * 100 characters, were they written out
    assert len(json.dumps(as_plain(value, 9))) < 10_000_000


def test_a_value_that_holds_itself_is_cut() -> None:
    loop: dict[str, Any] = {}
    loop["again"] = loop
    assert as_plain(loop, 2) == {"again": {"again": "…"}}
