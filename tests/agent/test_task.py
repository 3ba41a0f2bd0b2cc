"""Sub-agents: a conversation of their own, limits, their bill, and what becomes of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from ralex.agent import task as task_module
from ralex.agent.history import UNKNOWN_OUTCOME
from ralex.agent.task import TaskLimits
from ralex.core.events import (
    ApprovalRequested,
    StepFinished,
    TaskProgressed,
    ToolCallStarted,
    TurnFailed,
    TurnFinished,
)
from ralex.core.messages import ModelRequest, ToolResultMessage
from ralex.core.permissions import Effect, parse_rule
from ralex.core.routing import Override
from ralex.core.tiers import Tier
from ralex.providers.scripted import ScriptedCall, ScriptedStep
from tests.agent.script import DONE, HELLO, breaks, finished_calls, of, read, shell, step
from tests.agent.stand import Stand, play


def task(prompt: str) -> ScriptedCall:
    return ScriptedCall(name="task", arguments={"prompt": prompt})


def of_tasks(requests: Sequence[ModelRequest]) -> list[ModelRequest]:
    return [one for one in requests if len(one.tools) < 6]


async def test_only_the_answer_comes_back(stand: Stand) -> None:
    (stand.project / "a.txt").write_text("the secret word is plum\n")
    steps = [
        step(task("find the word")),
        step(read("a.txt")),
        ScriptedStep(text="The word is plum (a.txt:1)."),
        DONE,
    ]
    session = await stand.open(steps)
    events = await play(session, HELLO)
    call = finished_calls(events)[0]
    assert call.output == "The word is plum (a.txt:1)."
    last = stand.provider.requests[-1]
    results = [m.text for m in last.messages if isinstance(m, ToolResultMessage)]
    assert results == ["The word is plum (a.txt:1)."]
    own = of_tasks(stand.provider.requests)
    assert {spec.name for spec in own[0].tools} == {"read", "grep", "glob", "ls"}
    assert breaks(own) == 0
    assert breaks([one for one in stand.provider.requests if one not in own]) == 0


async def test_its_cost_is_in_the_turns_bill_and_tagged_in_the_ledger(stand: Stand) -> None:
    steps = [step(task("look")), step(read("a.txt")), ScriptedStep(text="nothing"), DONE]
    session = await stand.open(steps)
    session.set_override(Override(tier=Tier.COMPLEX))
    events = await play(session, HELLO)
    end = of(events, TurnFinished)[0]
    mine = sum((one.cost_usd for one in of(events, StepFinished)), Decimal(0))
    tags = {row.key: row.cost_usd for row in await session.spend("tag", days=1)}
    assert end.steps == 2
    assert tags["task"] > 0
    assert end.cost_usd == mine + tags["task"]
    assert (await session.budget()).spent_usd == end.cost_usd
    models = [row.key for row in await session.spend("model", days=1)]
    assert sorted(models) == ["test/cheap", "test/smart"]  # the parent is dear, the sub-agent not


async def test_its_progress_is_told_and_stored(stand: Stand) -> None:
    steps = [step(task("look")), step(read("a.txt")), ScriptedStep(text="nothing"), DONE]
    session = await stand.open(steps)
    events = await play(session, HELLO)
    told = of(events, TaskProgressed)
    started = of(events, ToolCallStarted)[0]
    assert {one.call_id for one in told} == {started.call_id}
    assert (told[0].doing, told[0].model, told[0].steps) == ("thinking", "test/cheap", 0)
    assert any(one.doing == "read a.txt" for one in told)
    assert told[-1].steps == 2
    assert told[-1] in await session.history()


async def test_a_sub_agent_changes_nothing_and_starts_no_others(stand: Stand) -> None:
    steps = [
        step(task("break out")),
        step(shell("touch made"), task("again"), ScriptedCall(name="ask_user", arguments={})),
        ScriptedStep(text="could not"),
        DONE,
    ]
    session = await stand.open(steps)
    await play(session, HELLO)
    own = of_tasks(stand.provider.requests)[-1]
    results = [m.text for m in own.messages if isinstance(m, ToolResultMessage)]
    assert len(results) == 3
    assert all("There is no tool" in text for text in results)
    assert not (stand.project / "made").exists()


async def test_rules_hold_in_sub_agents(stand: Stand) -> None:
    (stand.project / "secret").write_text("x")
    rules = (parse_rule("read(secret)", Effect.DENY), parse_rule("grep", Effect.ASK))
    grep = ScriptedCall(name="grep", arguments={"pattern": "x"})
    session = await stand.open(
        [step(task("look")), step(read("secret"), grep), ScriptedStep(text="no"), DONE],
        change=lambda config: replace(config, permissions=rules),
    )
    async with session.turn(HELLO) as events:
        async for event in events:
            if isinstance(event, ApprovalRequested):
                session.answer(event.request_id, "deny")
    own = of_tasks(stand.provider.requests)[-1]
    results = [m.text for m in own.messages if isinstance(m, ToolResultMessage)]
    assert ["forbidden" in results[0], "denied" in results[1]] == [True, True]


async def test_the_loop_guard_ends_a_sub_agent_and_the_parent_goes_on(stand: Stand) -> None:
    (stand.project / "a.txt").write_text("x")
    steps = [step(task("look")), *[step(read("a.txt")) for _ in range(5)], DONE]
    session = await stand.open(steps)
    events = await play(session, HELLO)
    call = finished_calls(events)[0]
    assert call.is_error
    assert "same read call" in call.output
    assert of(events, TurnFinished)


def limited(stand: Stand, monkeypatch: pytest.MonkeyPatch, limits: TaskLimits) -> None:
    monkeypatch.setattr(task_module, "TaskLimits", lambda: limits)


async def test_the_step_limit_ends_it(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(stand, monkeypatch, TaskLimits(max_steps=2))
    reads = [step(read(f"{n}.txt"), text=f"at {n}") for n in range(2)]
    session = await stand.open([step(task("look")), *reads, DONE])
    call = finished_calls(await play(session, HELLO))[0]
    assert call.is_error
    assert "2 steps" in call.output
    assert "at 1" in call.output


async def test_the_money_limit_ends_it(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(stand, monkeypatch, TaskLimits(max_usd=Decimal("0.0000001")))
    session = await stand.open([step(task("look")), DONE])
    call = finished_calls(await play(session, HELLO))[0]
    assert call.is_error
    assert "did not finish" in call.output
    assert len(stand.provider.requests) == 2  # nothing was sent for the sub-agent


async def test_the_time_limit_ends_it(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(stand, monkeypatch, TaskLimits(max_s=0.2))
    slow = ScriptedStep(text="slow " * 400)
    session = await stand.open([step(task("look")), slow, DONE], tokens_per_s=50)
    call = finished_calls(await play(session, HELLO))[0]
    assert call.is_error
    assert "ended after" in call.output


async def test_several_run_at_once_and_each_has_its_own_result(stand: Stand) -> None:
    steps = [
        step(task("one"), task("two")),
        ScriptedStep(text="first"),
        ScriptedStep(text="second"),
        DONE,
    ]
    session = await stand.open(steps)
    events = await play(session, HELLO)
    assert sorted(call.output for call in finished_calls(events)) == ["first", "second"]
    names = [type(e).__name__ for e in events if isinstance(e, ToolCallStarted)]
    assert len(names) == 2


async def test_a_long_answer_is_bounded(stand: Stand) -> None:
    session = await stand.open([step(task("look")), ScriptedStep(text="word " * 20_000), DONE])
    assert len(finished_calls(await play(session, HELLO))[0].output) < 13_000


async def test_stopping_the_turn_stops_it_and_books_what_it_cost(stand: Stand) -> None:
    slow = ScriptedStep(text="slow " * 4_000)
    session = await stand.open([step(task("look")), slow, DONE], tokens_per_s=500)
    async with asyncio.timeout(20), session.turn(HELLO) as events:
        async for event in events:
            if isinstance(event, ToolCallStarted):
                break
    assert isinstance(session.last_failure, TurnFailed)
    budget = await session.budget()
    assert budget.held_usd == 0
    assert session.last_failure.cost_usd == budget.spent_usd


async def test_after_a_crash_its_outcome_is_unknown(stand: Stand) -> None:
    session = await stand.open([step(task("look")), ScriptedStep(text="x"), DONE])
    kept = await play(session, HELLO)
    end = next(n for n, e in enumerate(kept) if isinstance(e, TaskProgressed))
    store = session._services.store
    other = await store.create(project=str(stand.project), title="crashed")
    await store.append(other, kept[: end + 1])
    later = await stand.open([DONE], continues=True)
    await play(later, "go on")
    results = [
        m.text for m in stand.provider.requests[-1].messages if isinstance(m, ToolResultMessage)
    ]
    assert results == [UNKNOWN_OUTCOME]


async def test_a_blank_prompt_is_refused(stand: Stand) -> None:
    session = await stand.open([step(task(" ")), DONE])
    assert "blank" in finished_calls(await play(session, HELLO))[0].output
