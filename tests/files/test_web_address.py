from __future__ import annotations

from pathlib import Path

import pytest

from headlab.files.web_address import web_address


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("https://example.org/a.jpg", "https://example.org/a.jpg"),
        ("rtsp://10.0.0.1/stream", "rtsp://10.0.0.1/stream"),
        (Path("https://example.org/m.pt"), "https://example.org/m.pt"),
        ("s3://bucket/m.pt", "s3://bucket/m.pt"),
        ("photos/a.jpg", None),
        ("/photos/a:b.jpg", None),
        ("a:b.jpg", None),
        ("C:/photos/a.jpg", None),
        ("0", None),
    ],
)
def test_addresses(path: str | Path, address: str | None) -> None:
    assert web_address(path) == address
