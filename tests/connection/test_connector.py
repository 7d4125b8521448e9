"""Where a connection goes."""

from fastapi_esdb.connection.connector import MOST_FAILURES, Failures, Pinned
from fastapi_esdb.settings.hosts import Host


async def test_a_pinned_host_stays_whatever_happens() -> None:
    """All connections share what is known of it: the lock that spaces attempts is one per host."""
    hosts = Pinned(Host("a"))
    first = await hosts.next_endpoint()
    hosts.failed(Host("a"))
    hosts.suspect(Host("a"))
    assert hosts.accepts(Host("a"))
    assert first.host == Host("a")
    assert await hosts.next_endpoint() is first


def test_each_way_to_fail_is_news_once() -> None:
    """A host that fails in two ways by turns is no news either; what it fails with after an answer is."""
    failures = Failures()
    told = [failures.is_new(text) for text in ("down", "down", "mute", "down", "mute")]
    assert told == [True, False, True, False, False]
    failures.over()
    assert [failures.is_new("down"), failures.is_new("down")] == [True, False]


def test_what_never_fails_the_same_way_twice_is_told_so_often() -> None:
    """The memory of it is bounded."""
    failures = Failures()
    assert [failures.is_new(str(number)) for number in range(MOST_FAILURES + 5)].count(True) == MOST_FAILURES
