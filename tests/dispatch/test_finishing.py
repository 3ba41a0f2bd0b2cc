"""Work that must not stop half way ends although its caller is cancelled."""

import asyncio

import pytest

from ralex.dispatch.finishing import finish


async def test_cancelling_the_caller_lets_the_work_end_first() -> None:
    gate, steps = asyncio.Event(), list[str]()

    async def work() -> None:
        steps.append("begun")
        await gate.wait()
        steps.append("done")

    task = asyncio.create_task(finish(work()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps == ["begun", "done"]


async def test_a_result_comes_back() -> None:
    async def work() -> int:
        return 7

    assert await finish(work()) == 7
