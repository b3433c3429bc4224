from __future__ import annotations

import pytest

from headlab.plain_text import printable, size_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("traffic light", "traffic light"),
        ("信号機\u3000赤", "信号機\u3000赤"),  # the ideographic space is a space
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x9b2J", "\\x9b2J"),  # the C1 form of ESC [
        ("safe\u202egnp.exe", "safe\\u202egnp.exe"),  # right-to-left override
        ("one\u2028two", "one\\u2028two"),
        (b"bytes", "b'bytes'"),
    ],
)
def test_only_what_steers_a_terminal_is_written_out(text: object, shown: str) -> None:
    assert printable(text) == shown


def test_chosen_controls_may_stay() -> None:
    assert printable("two\nlines\x07", keep="\n") == "two\nlines\\x07"


def test_sizes_that_are_not_square_name_their_order() -> None:
    assert size_text((416, 416)) == "416 x 416 px"
    assert size_text((320, 608)) == "320 x 608 px (height x width)"
