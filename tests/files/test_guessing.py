"""The encoding of texts that are not Unicode is guessed from what reads as usual characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headlab.files.guessing import GUESSES, guessed_encoding


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp932", "犬\n猫"),
        ("cp932", "ねこ"),
        ("cp932", "表A\nB級"),  # 表 ends with the byte of a backslash
        ("cp932", "ｷｽﾞ\nﾖｺﾞﾚ"),
        ("cp932", "薔薇\n犬"),  # rare kanji next to usual ones
        ("cp932", "写真.jpg 1,2,3,4,0"),
        ("cp949", "개구리\n고양이의꿈"),
        ("cp949", "고양이\n개\n자동차\n사람"),
        ("cp1252", "chien\nélan"),  # é and l are the bytes of a rare kanji in cp932
        ("cp1252", "Ärger\nÖl\nStraße"),
        ("cp1252", "crème brûlée"),
        ("cp1252", "São Paulo\nÑandú"),
        ("cp1252", "ÉCOLE"),
        ("cp1252", "20 °C"),
        ("cp949", "새"),
        ("cp949", "개"),  # B0 B3: two half-width katakana in cp932
        ("cp949", "개\ncat"),
        ("cp932", "ﾄﾗｯｸ\nﾊﾞｽ"),  # C4 D7 AF B8: no Hangul begins with AF
        ("cp1252", "À la carte"),  # a half-width katakana alone
        ("cp1252", "Ä\nÖ\nÜ"),
        ("cp1252", "£5"),
    ],
)
def test_the_likely_encoding_is_found(encoding: str, text: str) -> None:
    assert guessed_encoding(text.encode(encoding)) == encoding


def test_there_may_be_none() -> None:
    assert guessed_encoding(b"a\x81\xff") is None


@given(st.binary(max_size=60))
def test_what_is_guessed_can_be_read(data: bytes) -> None:
    guess = guessed_encoding(data)
    if guess is not None:
        assert guess in GUESSES
        data.decode(guess)
