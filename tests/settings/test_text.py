from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_esdb.settings.text import decode, encode, has_control


@pytest.mark.parametrize(
    ("encoded", "text"),
    [
        ("", ""),
        ("a+b", "a+b"),
        ("%2F%3a", "/:"),
        ("%C3%A9", "é"),
        ("é", "é"),
        ("%F0%9F%94%91", "🔑"),
        ("100%25", "100%"),
    ],
)
def test_decode(encoded: str, text: str) -> None:
    """Two hexadecimal digits behind a `%` are a byte of UTF-8; everything else, also a `+`, stands for itself."""
    assert decode(encoded) == text


@pytest.mark.parametrize("encoded", ["%", "%2", "%zz", "50%", "%%", "a%2gb", "%u0041"])
def test_stray_percent(encoded: str) -> None:
    """A `%` that starts no byte is an error that says how to write one."""
    with pytest.raises(ValueError, match="%25"):
        decode(encoded)


@pytest.mark.parametrize("encoded", ["%ff", "%C3", "%ED%A0%80", "%C0%AF"])
def test_not_utf8(encoded: str) -> None:
    """Bytes that are not UTF-8 are an error, without the text anywhere in it."""
    with pytest.raises(ValueError, match="UTF-8") as caught:
        decode("canary" + encoded)
    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("encoded", ["%00", "a%0Ab", "%7F", "%C2%85"])
def test_control_characters(encoded: str) -> None:
    """Control characters are refused behind their encoding, too."""
    with pytest.raises(ValueError, match="control"):
        decode(encoded)


def test_has_control_finds_half_a_surrogate_pair() -> None:
    """Half a surrogate pair, as file names that are not UTF-8 hold, counts as a control character."""
    assert has_control("\udcff")
    assert not has_control("é🔑 x")


@given(st.text().filter(lambda text: not has_control(text)))
def test_round_trip(text: str) -> None:
    """What is encoded is ASCII without separators, and decodes to the same text."""
    encoded = encode(text)
    assert encoded.isascii()
    assert not set(encoded) & set(":/?#[]@!$&'()*+,;= ")
    assert decode(encoded) == text
