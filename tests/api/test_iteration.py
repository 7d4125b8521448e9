"""However an iteration ends, its call is given back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from fastapi_esdb.api.iteration import Iteration


class Call:
    """A call with endless answers: `open` while it runs; it goes silent after `answers` of them."""

    def __init__(self, answers: int = 1_000_000) -> None:
        self._answers = answers
        self.ended = asyncio.Event()

    async def items(self) -> AsyncGenerator[int, None]:
        try:
            for number in range(self._answers):
                yield number
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.ended.set()

    async def has_ended(self) -> bool:
        return await asyncio.wait_for(self.ended.wait(), 1)


async def failing() -> AsyncGenerator[int, None]:
    yield 1
    raise TimeoutError


async def test_breaking_out_of_the_loop_ends_the_call() -> None:
    """Nothing refers to the iteration any more."""
    call = Call()
    async for _ in Iteration(call.items()):
        break
    assert await call.has_ended()


async def test_an_exception_in_the_body_ends_the_call() -> None:
    """Although its traceback still refers to the frame of the loop."""
    call = Call()

    async def body() -> None:
        async for _ in Iteration(call.items()):
            raise LookupError

    with pytest.raises(LookupError):
        await body()
    assert await call.has_ended()


async def test_leaving_the_context_ends_the_call() -> None:
    """Also while a variable refers to the iteration."""
    call = Call()
    async with Iteration(call.items()) as iteration:
        assert await anext(iteration) == 0
    assert call.ended.is_set()
    assert [item async for item in iteration] == []


@pytest.mark.parametrize("answers", [0, 1])
async def test_cancelling_a_waiting_task_ends_the_call(answers: int) -> None:
    """Before and after its first answer."""
    call = Call(answers)
    task = asyncio.create_task(_consume(Iteration(call.items())))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert call.ended.is_set()


async def test_closing_wakes_a_task_that_waits() -> None:
    """It sees the end of the iteration, not a cancellation."""
    call = Call(3)
    iteration = Iteration(call.items())
    task = asyncio.create_task(_consume(iteration))
    await asyncio.sleep(0.01)
    await iteration.aclose()
    assert await task == [0, 1, 2]
    assert call.ended.is_set()
    assert not task.cancelling()


async def test_closing_while_an_item_arrives_ends_the_iteration() -> None:
    """The item may still come; the one after it does not."""
    arrives = asyncio.Event()

    async def items() -> AsyncGenerator[int, None]:
        while True:
            await arrives.wait()
            yield 1

    iteration = Iteration(items())
    task = asyncio.create_task(_consume(iteration))
    await asyncio.sleep(0.01)
    arrives.set()
    await iteration.aclose()
    assert await asyncio.wait_for(task, 1) in ([], [1])


async def test_closing_is_idempotent() -> None:
    """Before, during and after the iteration."""
    call = Call()
    iteration = Iteration(call.items())
    await iteration.aclose()
    await iteration.aclose()
    assert [item async for item in iteration] == []


async def test_an_error_of_the_call_passes() -> None:
    """Even one that looks like the end of a wait."""
    iteration = Iteration(failing())
    assert await anext(iteration) == 1
    with pytest.raises(TimeoutError):
        await anext(iteration)


async def test_an_iteration_gives_its_items_once() -> None:
    """Like a file."""

    async def two() -> AsyncGenerator[int, None]:
        yield 1
        yield 2

    iteration = Iteration(two())
    assert [item async for item in iteration] == [1, 2]
    assert [item async for item in iteration] == []


async def _consume(items: AsyncIterator[int]) -> list[int]:
    return [item async for item in items]
