"""Evidence of failure brings advice, then another model; it lasts, is told, and is paid for."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from ralex.config.model import Config
from ralex.core.budget import Limits
from ralex.core.events import (
    AdviceGiven,
    AgentEvent,
    EvidenceNoted,
    Notice,
    RetryScheduled,
    RouteDecided,
    StepFinished,
    TurnFailed,
    TurnFinished,
)
from ralex.core.ids import ModelId
from ralex.core.model_table import Measured, Standing
from ralex.core.routing import Override, RouteReason, Rule
from ralex.core.tiers import Tier
from ralex.errors import ServerError
from ralex.providers.scripted import ScriptedCall, ScriptedStep
from ralex.store.sessions import SqliteSessions
from tests.agent.script import DONE, HELLO, breaks, edit, finished_calls, of, read, shell, step
from tests.agent.stand import Stand, impatient, play

ADVICE = ScriptedStep(text="The sign is wrong in calc.py line 1.")
MALFORMED = ScriptedCall(name="read", arguments='{"path": "a.t')
CHECK = shell("python -m pytest -q 2>/dev/null; echo 'E assert 3 == -1'; exit 1")


def off(config: Config) -> Config:
    return replace(config, escalation="off")


def models(events: list[AgentEvent]) -> list[str]:
    return [event.model for event in of(events, StepFinished)]


def reasons(events: list[AgentEvent]) -> list[RouteReason]:
    return [event.route.reason for event in of(events, RouteDecided)]


def failing_steps() -> list[ScriptedStep]:
    """Read, change, and fail the check."""
    return [step(read("calc.py")), step(edit("calc.py", "a - b", "a * b"), CHECK)]


async def test_a_failed_check_after_an_edit_brings_advice(stand: Stand) -> None:
    (stand.project / "calc.py").write_text("def add(a, b): return a - b\n")
    session = await stand.open([*failing_steps(), ADVICE, DONE])
    events = await play(session, HELLO)
    assert [e.kind for e in of(events, EvidenceNoted)] == ["failed_check"]
    advice = of(events, AdviceGiven)
    assert [(a.model, a.tier) for a in advice] == [("test/smart", Tier.COMPLEX)]
    assert set(models(events)) == {"test/cheap"}, "the task stays where its cache is"
    brief = stand.provider.requests[2]
    text = "\n".join(m.text for m in brief.messages)
    for part in (HELLO, "a * b", "assert 3 == -1", "edit calc.py"):
        assert part in text
    assert not brief.tools
    main = [r for r in stand.provider.requests if r.tools]
    assert "The sign is wrong" in main[-1].messages[-1].text
    assert breaks(main) == 0
    end = events[-1]
    assert isinstance(end, TurnFinished)
    assert end.evidence == ("failed_check",)
    assert end.cost_usd == advice[0].cost_usd + sum(e.cost_usd for e in of(events, StepFinished))
    assert end.budget.spent_usd == end.cost_usd


async def test_if_advice_does_not_help_the_better_model_takes_over_until_the_task_ends(
    stand: Stand,
) -> None:
    (stand.project / "calc.py").write_text("def add(a, b): return a - b\n")
    session = await stand.open([*failing_steps(), ADVICE, step(CHECK), DONE, DONE, DONE])
    events = await play(session, HELLO)
    assert models(events) == ["test/cheap", "test/cheap", "test/cheap", "test/smart"]
    assert reasons(events)[-1] is RouteReason.ESCALATED
    other = of(events, RouteDecided)[-1].route.alternatives
    assert [(one.model, one.why_not) for one in other] == [
        ("test/cheap", "worked on the task until now")
    ]
    assert other[0].estimated_usd
    end = events[-1]
    assert isinstance(end, TurnFinished)
    assert (end.tier, end.escalations) == (Tier.COMPLEX, 1)
    assert models(await play(session, "yes, go on")) == ["test/smart"]
    resumed = await stand.open([DONE], continues=True)
    assert models(await play(resumed, "continue")) == ["test/smart"]


async def test_a_check_that_fails_before_any_edit_is_no_evidence(stand: Stand) -> None:
    session = await stand.open([step(CHECK), DONE])
    events = await play(session, HELLO)
    assert not of(events, EvidenceNoted)


async def test_three_calls_that_cannot_be_read_hand_the_task_over(stand: Stand) -> None:
    session = await stand.open([step(MALFORMED), step(MALFORMED), step(MALFORMED), DONE])
    events = await play(session, HELLO)
    assert models(events)[-1] == "test/smart"
    assert not of(events, AdviceGiven), "who cannot call tools cannot follow advice"


async def test_a_loop_hands_the_task_over_instead_of_ending_it(stand: Stand) -> None:
    (stand.project / "a.txt").write_text("alpha\n")
    loop = step(read("a.txt"))
    last = step(read("a.txt"), shell("echo still answered"))
    session = await stand.open([loop, loop, loop, loop, last, DONE])
    events = await play(session, HELLO)
    assert models(events) == ["test/cheap"] * 5 + ["test/smart"]
    assert isinstance(events[-1], TurnFinished)
    assert len(finished_calls(events)) == 6, "each call has its result, whatever happens"


async def test_refused_edits_bring_advice(stand: Stand) -> None:
    (stand.project / "calc.py").write_text("def add(a, b): return a - b\n")
    wrong = step(edit("calc.py", "no such text", "x"))
    other = step(edit("calc.py", "nor this", "y"))
    session = await stand.open([step(read("calc.py")), wrong, other, ADVICE, DONE])
    events = await play(session, HELLO)
    assert [e.kind for e in of(events, EvidenceNoted)].count("edit_refused") == 2
    assert of(events, AdviceGiven)


async def test_the_same_error_twice_brings_advice(stand: Stand) -> None:
    steps = [step(shell(f"echo {n}; echo 'KeyError: total {n}'; exit 3")) for n in range(2)]
    session = await stand.open([*steps, ADVICE, DONE])
    events = await play(session, HELLO)
    assert {e.kind for e in of(events, EvidenceNoted)} == {"same_error"}
    assert of(events, AdviceGiven)


async def test_a_complaint_brings_advice_before_the_next_try(stand: Stand) -> None:
    session = await stand.open([DONE, ADVICE, DONE])
    await play(session, HELLO)
    events = await play(session, "still broken")
    assert [e.kind for e in of(events, EvidenceNoted)] == ["complaint"]
    assert of(events, AdviceGiven)


async def test_two_empty_answers_bring_advice_instead_of_an_error(stand: Stand) -> None:
    session = await stand.open([ScriptedStep(), ScriptedStep(), ADVICE, DONE])
    events = await play(session, HELLO)
    assert isinstance(events[-1], TurnFinished)
    assert of(events, AdviceGiven)


async def test_escalation_can_be_switched_off(stand: Stand) -> None:
    (stand.project / "calc.py").write_text("def add(a, b): return a - b\n")
    session = await stand.open([*failing_steps(), step(CHECK), DONE], change=off)
    events = await play(session, HELLO)
    assert set(models(events)) == {"test/cheap"}
    assert not of(events, AdviceGiven)
    assert of(events, EvidenceNoted), "what happened is noted all the same"


async def test_the_users_own_choice_of_a_model_is_not_overruled(stand: Stand) -> None:
    session = await stand.open([step(MALFORMED)] * 3 + [DONE])
    session.set_override(Override(model=ModelId("test/cheap")))
    assert set(models(await play(session, HELLO))) == {"test/cheap"}


async def test_nothing_moves_up_past_the_budget(stand: Stand) -> None:
    def poor(config: Config) -> Config:
        limits = Limits(daily_usd=Decimal("0.02"), alert_usd=None)
        return replace(config, budget=limits)

    session = await stand.open([step(MALFORMED)] * 3 + [DONE], change=poor)
    events = await play(session, HELLO)
    assert set(models(events)) == {"test/cheap"}
    assert isinstance(events[-1], TurnFinished)


async def test_advice_that_cannot_be_had_does_not_end_the_turn(stand: Stand) -> None:
    (stand.project / "calc.py").write_text("def add(a, b): return a - b\n")
    broken = ScriptedStep(error=ServerError("down", status=500))
    session = await stand.open([*failing_steps(), broken, DONE], change=impatient)
    events = await play(session, HELLO)
    assert isinstance(events[-1], TurnFinished)
    assert any("no advice" in notice.text for notice in of(events, Notice))


async def test_a_task_moves_up_at_most_twice_and_then_a_loop_ends_it(stand: Stand) -> None:
    (stand.project / "a.txt").write_text("alpha\n")
    session = await stand.open([step(read("a.txt"))] * 30, max_steps=30)
    events = await play(session, HELLO)
    end = events[-1]
    assert isinstance(end, TurnFailed)
    assert (end.code, end.escalations) == ("loop", 1), "there is one tier above"


async def test_how_a_turn_ended_is_kept_with_its_evidence(stand: Stand) -> None:
    session = await stand.open([step(MALFORMED), step(MALFORMED), step(MALFORMED), DONE])
    await play(session, HELLO)
    store = session._services.store
    assert isinstance(store, SqliteSessions)
    (outcome,) = await store.outcomes()
    assert (outcome.result, outcome.first_tier, outcome.tier) == ("done", "SIMPLE", "COMPLEX")
    assert outcome.evidence == ("malformed_call",) * 3
    assert (outcome.escalations, outcome.steps, outcome.session_id) == (1, 4, session.id)


async def test_undoing_the_work_hands_the_task_over_unless_it_is_redone(stand: Stand) -> None:
    write = ScriptedCall(name="write", arguments={"path": "new.txt", "content": "x\n"})
    session = await stand.open([step(write), DONE, DONE, DONE])
    await play(session, HELLO)
    await session.undo()
    await session.redo()
    assert models(await play(session, "go on")) == ["test/cheap"]
    assert (await session.undo()).restored
    assert models(await play(session, "go on")) == ["test/smart"]


def ruled(usd: str) -> Callable[[Config], Config]:
    """Let a rule take every ask to the cheap tier and limit what one call may cost."""

    def change(config: Config) -> Config:
        rule = Rule(pattern=re.compile("."), tier=Tier.SIMPLE, max_cost_usd=Decimal(usd))
        router = replace(config.routers["test"], rules=(rule,))
        return replace(config, routers={**config.routers, "test": router})

    return change


async def test_neither_advice_nor_a_step_up_passes_a_rules_limit(stand: Stand) -> None:
    (stand.project / "calc.py").write_text("def add(a, b): return a - b\n")
    session = await stand.open([*failing_steps(), step(CHECK), DONE], change=ruled("0.01"))
    events = await play(session, HELLO)
    assert isinstance(events[-1], TurnFinished), "the limit of a call ends no turn"
    assert set(models(events)) == {"test/cheap"}
    assert not of(events, AdviceGiven)
    told = [notice.text for notice in of(events, Notice) if "a call may cost $0.01" in notice.text]
    assert len(told) == 1
    assert "test/smart may cost" in told[0]


async def test_who_worked_until_now_goes_on_where_the_better_model_is_too_dear(
    stand: Stand,
) -> None:
    # The estimate of a step fits into the limit, its worst case does not.
    session = await stand.open([step(MALFORMED)] * 3 + [DONE], change=ruled("0.015"))
    events = await play(session, HELLO)
    assert reasons(events)[-1] is RouteReason.ESCALATED
    assert models(events)[-1] == "test/cheap"
    assert any("is cheaper" in one.error for one in of(events, RetryScheduled))
    assert isinstance(events[-1], TurnFinished)


async def test_what_was_observed_is_told_whole(stand: Stand) -> None:
    (stand.project / "calc.py").write_text("def add(a, b): return a - b\n")
    session = await stand.open([*failing_steps(), ADVICE, DONE])
    (advice,) = of(await play(session, HELLO), AdviceGiven)
    assert advice.reason.startswith("a check failed after an edit (python -m pytest -q")
    assert advice.reason.endswith("exit 1)"), "the command has semicolons of its own"
    brief = "\n".join(message.text for message in stand.provider.requests[2].messages)
    assert "is asked for advice" not in brief


async def test_advice_that_did_not_help_is_remembered_across_sessions(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    smart = ModelId("test/smart")
    measured = Measured(
        model=smart,
        benchmark="b",
        success=Decimal("0.7"),
        # Five times the price of advice, and not six times: one failure of advice is enough.
        usd_per_task=Decimal("0.15"),
        tasks=500,
        source="s",
        date=date(2025, 12, 1),
    )
    standing = {smart: Standing(measured=measured)}
    monkeypatch.setattr("ralex.config.model_table.load_standings", lambda: standing)
    (stand.project / "calc.py").write_text("def add(a, b): return a - b\n")
    session = await stand.open([*failing_steps(), ADVICE, step(CHECK), DONE])
    assert of(await play(session, HELLO), AdviceGiven)
    (stand.project / "calc.py").write_text("def add(a, b): return a - b\n")
    events = await play(await stand.open([*failing_steps(), DONE]), HELLO)
    assert not of(events, AdviceGiven)
    (taken,) = [event.route for event in of(events, RouteDecided)][1:]
    assert taken.model == smart
    assert "advice has helped too seldom for its price" in taken.reasons[0]
