"""However an iteration ends, its call is given back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

import pytest

from fastapi_esdb.api.iteration import Drawing, Iteration
from tests.support.waiting import PATIENCE, until


class Call:
    """A call with endless answers: `open` while it runs; it goes silent after `answers` of them."""

    def __init__(self, answers: int = 1_000_000) -> None:
        self._answers = answers
        self.is_silent = asyncio.Event()
        self.ended = asyncio.Event()

    async def items(self) -> AsyncGenerator[list[int], None]:
        try:
            for number in range(self._answers):
                yield [number]
            self.is_silent.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.ended.set()

    async def has_ended(self) -> bool:
        return await asyncio.wait_for(self.ended.wait(), PATIENCE)


async def few() -> AsyncGenerator[list[int], None]:
    for number in range(3):
        yield [number]


async def fed(feed: asyncio.Queue[int]) -> AsyncGenerator[list[int], None]:
    """What is put into the queue."""
    while True:
        yield [await feed.get()]


async def next_of(items: AsyncIterator[int]) -> int:
    return await anext(items)


Wait = Callable[[AsyncIterator[int], float], Awaitable[int]]


async def with_timeout(items: AsyncIterator[int], limit: float) -> int:
    """The next item, or TimeoutError."""
    async with asyncio.timeout(limit):
        return await anext(items)


async def with_wait_for(items: AsyncIterator[int], limit: float) -> int:
    """The same in the other way that people write."""
    return await asyncio.wait_for(next_of(items), limit)


async def failing() -> AsyncGenerator[list[int], None]:
    yield [1]
    raise TimeoutError


async def test_breaking_out_of_the_loop_ends_the_call() -> None:
    """Nothing refers to the iteration any more."""
    call = Call()
    async for _ in Iteration(Drawing(call.items())):
        break
    assert await call.has_ended()


async def test_an_exception_in_the_body_ends_the_call() -> None:
    """Although its traceback still refers to the frame of the loop."""
    call = Call()

    async def body() -> None:
        async for _ in Iteration(Drawing(call.items())):
            raise LookupError

    with pytest.raises(LookupError):
        await body()
    assert await call.has_ended()


async def test_leaving_the_context_ends_the_call() -> None:
    """Also while a variable refers to the iteration."""
    call = Call()
    async with Iteration(Drawing(call.items())) as iteration:
        assert await anext(iteration) == 0
    assert call.ended.is_set()
    assert [item async for item in iteration] == []


@pytest.mark.parametrize("answers", [0, 1])
async def test_a_cancelled_task_leaves_nothing(answers: int) -> None:
    """Before and after its first answer: the call ends as soon as nothing refers to the iteration."""
    call = Call(answers)
    task = asyncio.create_task(_consume(Iteration(Drawing(call.items()))))
    await call.is_silent.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await call.has_ended()


@pytest.mark.parametrize("wait", [with_timeout, with_wait_for])
async def test_a_wait_that_is_given_up_loses_nothing(wait: Wait) -> None:
    """Neither before the first item nor between two of them, and none comes twice."""
    feed: asyncio.Queue[int] = asyncio.Queue()
    async with Iteration(Drawing(fed(feed))) as iteration:
        for number in range(3):
            for _ in range(2):
                with pytest.raises(TimeoutError):
                    await wait(iteration, 0.001)
            feed.put_nowait(number)
            assert await wait(iteration, 5) == number


async def test_a_wait_given_up_as_its_item_comes_loses_nothing() -> None:
    """Cancelled before, as and after the item was drawn, at each step of the event loop."""
    for steps in range(10):
        feed: asyncio.Queue[int] = asyncio.Queue()
        async with Iteration(Drawing(fed(feed))) as iteration:
            task = asyncio.ensure_future(next_of(iteration))
            await asyncio.sleep(0)
            feed.put_nowait(1)
            feed.put_nowait(2)
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            found = [] if task.cancelled() else [task.result()]
            while len(found) < 2:
                found.append(await with_timeout(iteration, 5))
            assert found == [1, 2]


async def test_an_error_that_comes_after_its_wait_is_raised_by_the_next_one() -> None:
    """Once; then the iteration is at its end."""
    fails = asyncio.Event()

    async def failing_later() -> AsyncGenerator[list[int], None]:
        await fails.wait()
        yield [1 // 0]

    iteration = Iteration(Drawing(failing_later()))
    with pytest.raises(TimeoutError):
        await with_timeout(iteration, 0.001)
    fails.set()
    await until(lambda: iteration.has_ended)
    with pytest.raises(ZeroDivisionError):
        await anext(iteration)
    assert [item async for item in iteration] == []


async def test_a_wait_that_was_given_up_draws_one_item_and_no_more() -> None:
    """Whoever never comes back holds one item, however many there are."""
    drawn: list[int] = []

    async def counting() -> AsyncGenerator[list[int], None]:
        for number in range(1_000_000):
            await asyncio.sleep(0)
            drawn.append(number)
            yield [number]

    async with Iteration(Drawing(counting())) as iteration:
        with pytest.raises(TimeoutError):
            await with_timeout(iteration, 0)
        await asyncio.sleep(0.05)
        assert drawn == [0]
        assert [await anext(iteration) for _ in range(3)] == [0, 1, 2]


async def test_what_is_left_is_given_at_once() -> None:
    """After some items were taken one by one, and from the beginning."""
    assert await Iteration(Drawing(few())).to_list() == [0, 1, 2]
    iteration = Iteration(Drawing(few()))
    assert await anext(iteration) == 0
    assert await iteration.to_list() == [1, 2]
    assert await iteration.to_list() == []


@pytest.mark.parametrize("taken", [0, 1])
async def test_a_cancelled_wait_for_all_ends_the_call(taken: int) -> None:
    """Its items would be lost."""
    call = Call(2)
    iteration = Iteration(Drawing(call.items()))
    for _ in range(taken):
        await anext(iteration)
    rest = asyncio.create_task(iteration.to_list())
    await call.is_silent.wait()
    rest.cancel()
    with pytest.raises(asyncio.CancelledError):
        await rest
    assert call.ended.is_set()
    assert iteration.has_ended


async def test_two_tasks_cannot_wait_for_the_same_item() -> None:
    """The second one is told so, and the first one goes on."""
    call = Call(0)
    async with Iteration(Drawing(call.items())) as iteration:
        first = asyncio.create_task(next_of(iteration))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="another task waits"):
            await anext(iteration)
        assert not first.done()
        first.cancel()


async def test_the_end_of_the_loop_closes_what_is_still_referred_to() -> None:
    """Asyncio cancels the task that draws, which closes the generator; nobody is told of an error."""
    reports: list[object] = []
    kept: list[object] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))
        call = Call()
        iteration = Iteration(Drawing(call.items()))
        kept.extend((call.ended, iteration))
        await anext(iteration)

    await asyncio.to_thread(asyncio.run, main())
    ended, _ = kept
    assert isinstance(ended, asyncio.Event)
    assert ended.is_set()
    assert not reports


async def test_closing_wakes_a_task_that_waits() -> None:
    """It sees the end of the iteration, not a cancellation."""
    call = Call(3)
    iteration = Iteration(Drawing(call.items()))
    task = asyncio.create_task(_consume(iteration))
    await call.is_silent.wait()
    await iteration.aclose()
    assert await task == [0, 1, 2]
    assert call.ended.is_set()
    assert not task.cancelling()


async def test_closing_while_an_item_arrives_ends_the_iteration() -> None:
    """The item does not come any more."""
    waits, arrives = asyncio.Event(), asyncio.Event()

    async def items() -> AsyncGenerator[list[int], None]:
        while True:
            waits.set()
            await arrives.wait()
            yield [1]

    iteration = Iteration(Drawing(items()))
    task = asyncio.create_task(_consume(iteration))
    await waits.wait()
    arrives.set()
    await iteration.aclose()
    assert await asyncio.wait_for(task, PATIENCE) == []


async def test_closing_is_idempotent() -> None:
    """Before, during and after the iteration."""
    call = Call()
    iteration = Iteration(Drawing(call.items()))
    await iteration.aclose()
    await iteration.aclose()
    assert [item async for item in iteration] == []


async def test_an_error_of_the_call_passes() -> None:
    """Even one that looks like the end of a wait."""
    iteration = Iteration(Drawing(failing()))
    assert await anext(iteration) == 1
    with pytest.raises(TimeoutError):
        await anext(iteration)


async def test_an_iteration_gives_its_items_once() -> None:
    """Like a file."""

    async def two() -> AsyncGenerator[list[int], None]:
        yield [1]
        yield [2]

    iteration = Iteration(Drawing(two()))
    assert [item async for item in iteration] == [1, 2]
    assert [item async for item in iteration] == []


async def _consume(items: AsyncIterator[int]) -> list[int]:
    return [item async for item in items]
