from __future__ import annotations

from pathlib import Path

import pytest

from fastapi_esdb.settings.choices import NodePreference
from fastapi_esdb.settings.kinds import Choice, FilePath, Flag, HeaderText, Kind, Whole, as_text

COUNT = Whole("attempts", 600)
SWITCHABLE = Whole("milliseconds", can_be_off=True)

VALID: list[tuple[Kind, str, object]] = [
    (Flag(), "true", True),
    (Flag(), "FALSE", False),
    (COUNT, "1", 1),
    (COUNT, "007", 7),
    (COUNT, "600", 600),
    (SWITCHABLE, "-1", -1),
    (SWITCHABLE, "2147483647", 2147483647),
    (HeaderText(), "orders v2 (blue)", "orders v2 (blue)"),
    (FilePath(), "certs/ca.pem", Path("certs/ca.pem")),
    (FilePath(), "/zertifikate/größe 1.pem", Path("/zertifikate/größe 1.pem")),
    (Choice(NodePreference), "Follower", NodePreference.FOLLOWER),
]

INVALID: list[tuple[Kind, str]] = [
    *[(Flag(), text) for text in ("", "yes", "1", "0", "tru", "true ")],
    *[(COUNT, text) for text in ("", "0", "-1", "601", "+1", "1.0", "1e3", " 1", "1_0", "٣", "0x1", "9" * 5000)],
    *[(SWITCHABLE, text) for text in ("0", "-2", "--1", "2147483648", "-33", "1s")],
    *[(HeaderText(), text) for text in ("", "  ", "é", "a\nb", "a\x00")],
    *[(FilePath(), text) for text in ("", "a\x00b", "a\nb")],
    *[(Choice(NodePreference), text) for text in ("", "boss", "leader follower")],
]


@pytest.mark.parametrize(("kind", "text", "value"), VALID)
def test_valid(kind: Kind, text: str, value: object) -> None:
    """Text becomes the value of the right type, and the value's text is read as the same value."""
    parsed = kind.parse(text)
    assert parsed == value
    assert type(parsed) is type(value)
    assert kind.parse(as_text(parsed)) == value


@pytest.mark.parametrize(("kind", "text"), INVALID)
def test_invalid(kind: Kind, text: str) -> None:
    """Other text is an error that says what would be right, and no exception holds the text."""
    with pytest.raises(ValueError, match=r"^must be ") as caught:
        kind.parse(text)
    assert str(caught.value) == f"must be {kind.accepts}"
    assert caught.value.__context__ is None


def test_words_for_a_number() -> None:
    """A number's rule names its unit, its bounds and how to switch it off."""
    assert SWITCHABLE.accepts == "a whole number of milliseconds from 1 to 2147483647, or -1 for off"
    assert COUNT.accepts == "a whole number of attempts from 1 to 600"
