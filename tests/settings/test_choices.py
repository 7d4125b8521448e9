from __future__ import annotations

import pytest

from fastapi_esdb.settings.choices import NodePreference


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("leader", NodePreference.LEADER),
        ("FOLLOWER", NodePreference.FOLLOWER),
        ("Random", NodePreference.RANDOM),
        ("readOnlyReplica", NodePreference.READ_ONLY_REPLICA),
        ("read_only_replica", NodePreference.READ_ONLY_REPLICA),
        ("read-only-replica", NodePreference.READ_ONLY_REPLICA),
    ],
)
def test_spellings(name: str, member: NodePreference) -> None:
    """Case, `_` and `-` do not matter."""
    assert NodePreference(name) is member


@pytest.mark.parametrize("name", ["", "master", "leaderr", "none"])
def test_unknown(name: str) -> None:
    """Anything else is no preference."""
    with pytest.raises(ValueError, match="NodePreference"):
        NodePreference(name)
