"""How far a group has come, and when that is written down."""

from dataclasses import replace

from fastapi_esdb.embedded.groups.group import Progress
from fastapi_esdb.wire.groups.values import GroupSettings

SETTINGS = GroupSettings(checkpoint_after_ms=2_000, min_checkpoint_count=2, max_checkpoint_count=4)


def begun(*positions: int, checkpoint: int | None = None, settings: GroupSettings = SETTINGS) -> Progress:
    progress = Progress(settings, checkpoint)
    for position in positions:
        progress.begin(position)
    return progress


def finish(progress: Progress, *positions: int) -> None:
    for position in positions:
        progress.finish(position)


def test_the_maximum_is_due_at_once() -> None:
    """So many handled events are worth a checkpoint, whatever the time."""
    progress = begun(1, 2, 3, 4, 5)
    finish(progress, 1, 2, 3)
    assert progress.due(0, is_tick=False) is None
    finish(progress, 4)
    assert progress.due(0, is_tick=False) == 4


def test_the_minimum_is_due_at_a_tick() -> None:
    """Fewer handled events wait for the clock; less than the minimum wait on."""
    progress = begun(1, 2, 3)
    finish(progress, 1)
    assert progress.due(0, is_tick=True) is None
    finish(progress, 2)
    assert progress.due(0, is_tick=False) is None
    assert progress.due(0, is_tick=True) == 2


def test_the_time_must_have_passed() -> None:
    """After one checkpoint the next one waits for the time between two."""
    progress = begun(1, 2, 3, 4, 5)
    finish(progress, 1, 2)
    assert progress.due(10, is_tick=True) == 2
    finish(progress, 3, 4)
    assert progress.due(11, is_tick=True) is None
    assert progress.due(12.1, is_tick=True) == 4


def test_without_a_time_only_the_maximum_counts() -> None:
    """0 means that no checkpoint is written because of the time."""
    progress = begun(1, 2, 3, 4, settings=replace(SETTINGS, checkpoint_after_ms=0))
    finish(progress, 1, 2, 3)
    assert progress.due(1e9, is_tick=True) is None
    finish(progress, 4)
    assert progress.due(1e9, is_tick=True) == 4


def test_an_unfinished_event_holds_everything_up() -> None:
    """Nothing behind an unhandled event counts, however much of it is handled."""
    progress = begun(1, 2, 3, 4, 5, 6)
    finish(progress, 2, 3, 4, 5, 6)
    assert progress.due(0, is_tick=True) is None
    finish(progress, 1)
    assert progress.due(0, is_tick=True) == 6


def test_the_checkpoint_is_the_place_before_the_first_unfinished_event() -> None:
    """Positions have gaps; the checkpoint is the position of an event all the same."""
    progress = begun(10, 20, 30)
    finish(progress, 10, 20)
    assert progress.due(0, is_tick=True) == 20


def test_what_is_passed_over_moves_nothing_back() -> None:
    """What comes as new may have been read already."""
    progress = begun(1, 2)
    progress.pass_over(5, 2)
    progress.pass_over(5, 1)
    finish(progress, 1, 2)
    assert progress.due(0, is_tick=False) is None
    assert progress.due(0, is_tick=True) == 2


def test_the_same_checkpoint_is_not_written_twice() -> None:
    """Without anything handled since there is nothing to write, even with a minimum of 0."""
    progress = begun(1, settings=replace(SETTINGS, min_checkpoint_count=0, max_checkpoint_count=0))
    finish(progress, 1)
    assert progress.due(0, is_tick=False) == 1
    assert progress.due(100, is_tick=True) is None


def test_a_minimum_above_the_maximum_is_the_maximum() -> None:
    """At a tick no more is asked for than at other times."""
    progress = begun(1, 2, settings=replace(SETTINGS, min_checkpoint_count=100, max_checkpoint_count=2))
    finish(progress, 1, 2)
    assert progress.due(0, is_tick=True) == 2


def test_a_restarted_group_goes_on_from_its_checkpoint() -> None:
    """An unfinished first event leaves it as it is."""
    progress = begun(8, 9, checkpoint=7)
    finish(progress, 9)
    assert progress.due(0, is_tick=True) is None
    finish(progress, 8)
    assert progress.due(0, is_tick=True) == 9


def test_what_the_filter_keeps_back_counts() -> None:
    """A filtered group comes on although it delivers nothing."""
    progress = begun(1)
    progress.pass_over(3, 40)
    assert progress.due(0, is_tick=False) is None
    finish(progress, 1)
    assert progress.due(0, is_tick=False) == 40
