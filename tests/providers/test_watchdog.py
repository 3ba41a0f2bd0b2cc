"""A wait that is too long ends as a timeout, and nothing else does."""

import asyncio

import pytest

from ralex.providers.watchdog import Watchdog


async def test_work_in_time_gives_its_result_every_time() -> None:
    watchdog = Watchdog()
    for number in range(5):
        assert await watchdog.bound(asyncio.sleep(0.01, number), 20) == number
    watchdog.close()


async def test_the_deadline_of_each_wait_is_its_own() -> None:
    watchdog = Watchdog()
    assert await watchdog.bound(asyncio.sleep(0.02, 1), 10) == 1
    with pytest.raises(TimeoutError):
        await watchdog.bound(asyncio.sleep(10), 0.02)
    watchdog.close()


async def test_time_between_waits_does_not_count() -> None:
    watchdog = Watchdog()
    for _ in range(2):
        await watchdog.bound(asyncio.sleep(0.01), 0.3)
        await asyncio.sleep(0.35)
    watchdog.close()


async def test_a_timeout_leaves_the_task_free_of_cancellation() -> None:
    watchdog = Watchdog()
    with pytest.raises(TimeoutError):
        await watchdog.bound(asyncio.sleep(10), 0.01)
    watchdog.close()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_cancelling_the_task_is_not_a_timeout() -> None:
    async def wait() -> None:
        watchdog = Watchdog()
        try:
            await watchdog.bound(asyncio.sleep(10), 5)
        finally:
            watchdog.close()

    task = asyncio.ensure_future(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
