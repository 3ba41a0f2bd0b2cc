"""Sessions are kept whole: through crashes, garbage, second writers and newer versions."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ralex.core.budget import BudgetState
from ralex.core.capacity import CapacityAction, CapacityDecision
from ralex.core.complexity import Complexity, DimensionScore
from ralex.core.events import (
    AgentEvent,
    AssistantMessageCompleted,
    CapacityDecided,
    Notice,
    SteeringQueued,
    StepFinished,
    ToolCallFinished,
    ToolCallStarted,
    TurnFinished,
    TurnStarted,
)
from ralex.core.ids import CallId, ModelId, SessionId, TurnId
from ralex.core.messages import AssistantMessage, ToolCall
from ralex.core.routing import RouteDecision, RouteReason
from ralex.core.stream import FinishReason, TextDelta
from ralex.core.tiers import Tier
from ralex.core.usage import Usage
from ralex.errors import SessionLockedError, SessionNotFoundError
from ralex.store.sessions import SqliteSessions
from tests.store.money import Clock

st.register_type_strategy(Decimal, st.decimals(allow_nan=False, allow_infinity=False, places=9))
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))

TURN = TurnId("t1")
FAST = ModelId("acme/fast")


def started(prompt: str, session_id: str = "s") -> TurnStarted:
    return TurnStarted(session_id=SessionId(session_id), turn_id=TURN, prompt=prompt)


def calling(call_id: str = "c1") -> ToolCallStarted:
    return ToolCallStarted(
        call_id=CallId(call_id), name="bash", arguments_json='{"command":"ls"}', title="ls"
    )


def called(output: str, call_id: str = "c1") -> ToolCallFinished:
    return ToolCallFinished(
        call_id=CallId(call_id),
        name="bash",
        output=output,
        is_error=False,
        summary="exit 0",
        elapsed_ms=3,
        exit_code=0,
    )


def replied(text: str) -> AssistantMessageCompleted:
    return AssistantMessageCompleted(
        step=1,
        model=FAST,
        message=AssistantMessage(
            text=text, tool_calls=(ToolCall(id=CallId("c1"), name="bash", arguments_json="{}"),)
        ),
        finish_reason=FinishReason.STOP,
    )


def finished() -> TurnFinished:
    return TurnFinished(
        turn_id=TURN,
        text="done",
        stop_reason="done",
        model=FAST,
        tier=Tier.SIMPLE,
        steps=2,
        usage=Usage(input_tokens=10),
        cost_usd=Decimal("0.0015"),
        saved_usd=None,
        budget=BudgetState(
            day="2026-11-20",
            limit_usd=Decimal(5),
            alert_usd=None,
            spent_usd=Decimal(0),
            held_usd=Decimal(0),
        ),
        files_changed=("a.py", "b.py"),
    )


def rows(sessions: SqliteSessions, query: str) -> "asyncio.Task[list[tuple[object, ...]]]":
    return asyncio.ensure_future(
        sessions._database.read(lambda connection: connection.execute(query).fetchall())
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def sessions(tmp_path: Path, clock: Clock) -> AsyncGenerator[SqliteSessions, None]:
    opened = await SqliteSessions.open(tmp_path / "sessions.db", now=clock)
    yield opened
    await opened.aclose()


async def test_events_come_back_in_order_over_several_openings(
    tmp_path: Path, clock: Clock
) -> None:
    events: list[AgentEvent] = [started("hi\nthere 🎉"), replied("hello"), finished()]
    path = tmp_path / "sessions.db"
    store = await SqliteSessions.open(path, now=clock)
    session_id = await store.create(project="/shop", title="hi")
    await store.append(session_id, events[:1])
    await store.aclose()

    store = await SqliteSessions.open(path, now=clock)
    await store.append(session_id, events[1:])

    assert await store.load(session_id) == events
    await store.aclose()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=st.lists(st.one_of([st.builds(kind) for kind in get_args(AgentEvent)]), max_size=5),
    surrogate=st.characters(categories=["Cs"]),
)
def test_any_events_are_stored_and_read_again(
    tmp_path: Path, events: list[AgentEvent], surrogate: str
) -> None:
    async def check() -> None:
        store = await SqliteSessions.open(tmp_path / "sessions.db", now=Clock())
        session_id = await store.create(project="/shop", title=f"x{surrogate}")
        everything = [*events, TextDelta(text=f"half {surrogate}")]
        try:
            await store.append(session_id, everything)
            assert await store.load(session_id) == everything
        finally:
            await store.aclose()

    asyncio.run(check())


async def test_ids_are_short_unique_and_sort_by_time(
    sessions: SqliteSessions, clock: Clock
) -> None:
    made: list[SessionId] = []
    for _ in range(20):
        made.append(await sessions.create(project="/shop", title=""))
        clock.forward(seconds=1)

    assert made == sorted(set(made))
    assert {len(one) for one in made} == {11}


async def test_sessions_of_one_second_have_different_ids(
    sessions: SqliteSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter([7, 7, 7, 8])

    def randbits(_bits: int) -> int:
        return next(drawn)

    monkeypatch.setattr("secrets.randbits", randbits)

    one = await sessions.create(project="/shop", title="")
    two = await sessions.create(project="/shop", title="")

    assert one != two


async def test_an_unknown_session_is_an_error_everywhere(sessions: SqliteSessions) -> None:
    nobody = SessionId("nobody")
    for attempt in (
        sessions.load(nobody),
        sessions.append(nobody, [started("hi")]),
        sessions.title(nobody),
        sessions.rename(nobody, "x"),
        sessions.delete(nobody),
        sessions.fork(nobody),
        sessions.acquire(nobody),
        sessions.find("nobody"),
        sessions.find("  "),
        sessions.find("*"),
    ):
        with pytest.raises(SessionNotFoundError):
            await attempt


async def test_the_latest_session_of_a_project_is_the_one_written_last(
    sessions: SqliteSessions, clock: Clock
) -> None:
    one = await sessions.create(project="/shop", title="one")
    two = await sessions.create(project="/shop", title="two")
    other = await sessions.create(project="/other", title="other")
    for session_id in (one, two, other):
        await sessions.append(session_id, [started("hi")])
        clock.forward(minutes=1)
    await sessions.append(one, [finished()])
    await sessions.create(project="/shop", title="nothing asked yet")

    assert await sessions.latest(project="/shop") == one
    assert await sessions.latest(project="/nowhere") is None
    assert [row.title for row in await sessions.list_sessions()] == ["one", "other", "two"]
    assert [row.title for row in await sessions.list_sessions("/shop", limit=1)] == ["one"]


async def test_the_list_counts_turns_and_knows_when(sessions: SqliteSessions, clock: Clock) -> None:
    session_id = await sessions.create(project="/shop", title="a")
    await sessions.append(session_id, [started("one"), finished()])
    clock.forward(hours=1)
    await sessions.append(session_id, [started("two")])

    (row,) = await sessions.list_sessions()

    assert row.turns == 2
    assert row.updated_s - row.created_s == 3600
    assert datetime.fromtimestamp(row.updated_s, UTC) == clock.at


async def test_a_session_is_found_by_any_part_of_its_id_that_is_unique(
    sessions: SqliteSessions, clock: Clock
) -> None:
    one = await sessions.create(project="/shop", title="")
    clock.forward(days=4000)
    two = await sessions.create(project="/shop", title="")
    clock.forward(seconds=1)
    three = await sessions.create(project="/shop", title="")

    assert await sessions.find(one[:5]) == one
    assert await sessions.find(two[:7].upper()) == two
    assert await sessions.find(three) == three
    assert await sessions.find(two[-4:]) == two
    with pytest.raises(SessionNotFoundError, match="more than one") as caught:
        await sessions.find(two[:5])
    assert two in caught.value.message


async def test_search_finds_titles_prompts_answers_and_tool_results(
    sessions: SqliteSessions,
) -> None:
    ids: dict[str, SessionId] = {}
    for name, event in {
        "prompt": started('why does "Grüße" fail\nat 100%?'),
        "answer": replied("because of the umlaut"),
        "tool": called("Traceback: UnicodeDecodeError"),
        "stream": TextDelta(text="umlaut in a delta"),
    }.items():
        ids[name] = await sessions.create(project=f"/{name}", title=f"about {name}s")
        await sessions.append(ids[name], [event])

    async def found(text: str, project: str | None = None) -> list[SessionId]:
        return [hit.session.id for hit in await sessions.search(text, project=project)]

    assert await found('"Grüße" FAIL') == [ids["prompt"]]
    assert await found("fail\nat 100%") == [ids["prompt"]]
    assert await found("umlaut") == [ids["answer"]]
    assert await found("unicodedecode") == [ids["tool"]]
    assert await found("about answers") == [ids["answer"]]
    assert set(await found("about")) == set(ids.values())
    assert await found("about", "/tool") == [ids["tool"]]
    assert await found("100_") == []
    assert await found("turn_id") == []
    assert await found(" ") == []


async def test_a_preview_shows_how_a_session_began_how_it_stands_and_what_it_cost(
    sessions: SqliteSessions,
) -> None:
    session_id = await sessions.create(project="/shop", title="t")
    step = StepFinished(
        step=1,
        model=FAST,
        usage=Usage(),
        cost_usd=Decimal("0.0002"),
        cost_source="provider",
        context_tokens=1,
        window=None,
        budget=finished().budget,
    )
    await sessions.append(
        session_id,
        [
            *[started("begin"), replied("x" * 5_000), step, finished()],
            *[started("and then"), replied(""), SteeringQueued(steering_id="1", text="wait")],
            *[replied("nearly"), step],  # killed here
        ],
    )

    preview = await sessions.preview(session_id)

    assert preview.first == "begin"
    assert [(line.speaker, line.text[:8]) for line in preview.last] == [
        ("reply", "x" * 8),
        ("user", "and then"),
        ("user", "wait"),
        ("reply", "nearly"),
    ]
    assert max(len(line.text) for line in preview.last) == 600
    assert preview.cost_usd == Decimal("0.0017")
    assert (preview.files_changed, preview.session.turns) == (2, 2)


async def test_a_preview_of_nothing_and_of_garbage_is_one(sessions: SqliteSessions) -> None:
    session_id = await sessions.create(project="/shop", title="t")
    empty = await sessions.preview(session_id)
    await sessions.append(session_id, [started("hi")])
    await sessions._database.write(
        lambda connection: connection.execute("UPDATE event SET payload = '{\"pro'").close()
    )

    broken = await sessions.preview(session_id)

    assert (empty.first, empty.last, empty.cost_usd) == ("", (), 0)
    assert (broken.first, broken.last) == ("", ())
    with pytest.raises(SessionNotFoundError):
        await sessions.preview(SessionId("nope"))


async def test_what_was_said_meanwhile_is_found_too(sessions: SqliteSessions) -> None:
    session_id = await sessions.create(project="/shop", title="t")
    await sessions.append(session_id, [SteeringQueued(steering_id="1", text="mind the gap")])

    (hit,) = await sessions.search("the gap")

    assert hit.session.id == session_id


async def test_an_excerpt_shows_the_place(sessions: SqliteSessions) -> None:
    session_id = await sessions.create(project="/shop", title="t")
    await sessions.append(session_id, [started("x " * 300 + "needle\nin  hay " + "y " * 300)])

    (hit,) = await sessions.search("NEEDLE")

    assert "x needle in hay y" in hit.excerpt
    assert len(hit.excerpt) < 120


async def test_rename_and_delete(sessions: SqliteSessions) -> None:
    session_id = await sessions.create(project="/shop", title="old")
    await sessions.append(session_id, [started("hi"), finished()])
    await sessions.record_complexity(session_id, TURN, complexity())

    await sessions.rename(session_id, "new")
    assert await sessions.title(session_id) == "new"
    await sessions.delete(session_id)

    with pytest.raises(SessionNotFoundError):
        await sessions.load(session_id)
    for table in ("event", "complexity_decision", "outcome", "writer"):
        assert await rows(sessions, f"SELECT * FROM {table}") == []


async def test_a_fork_is_a_copy_that_goes_its_own_way(sessions: SqliteSessions) -> None:
    session_id = await sessions.create(project="/shop", title="t")
    await sessions.append(session_id, [started("hi"), finished()])
    await sessions.record_route(session_id, TURN, route())

    copy = await sessions.fork(session_id)
    await sessions.append(copy, [started("more")])

    assert await sessions.load(session_id) == [started("hi"), finished()]
    assert await sessions.load(copy) == [started("hi"), finished(), started("more")]
    info = await sessions.get(copy)
    assert (info.title, info.project, info.turns, info.forked_from) == ("t", "/shop", 2, session_id)
    assert await rows(sessions, "SELECT count(*) FROM route_decision") == [(2,)]


def complexity() -> Complexity:
    return Complexity(
        tier=Tier.MEDIUM,
        score=0.1,
        dimensions=(DimensionScore(name="x", raw=1.0, weight=0.1, contribution=0.1),),
        signals=("x",),
        cause="heuristic_scorer",
        scorer="ralex",
    )


def route() -> RouteDecision:
    return RouteDecision(
        router="mine", tier=None, model=FAST, reason=RouteReason.OVERRIDE, reasons=("you said so",)
    )


async def test_decisions_and_outcomes_have_tables_of_their_own(sessions: SqliteSessions) -> None:
    session_id = await sessions.create(project="/shop", title="t")
    capacity = CapacityDecision(
        action=CapacityAction.FITS,
        model=FAST,
        request_tokens=120,
        output_tokens=10,
        window=None,
        arithmetic="120 + 10",
    )

    await sessions.record_complexity(session_id, TURN, complexity())
    await sessions.record_route(session_id, TURN, route())
    await sessions.append(
        session_id, [CapacityDecided(capacity=capacity, turn_id=TURN, step=2), finished()]
    )

    assert await rows(sessions, "SELECT turn_id, tier, score FROM complexity_decision") == [
        ("t1", "MEDIUM", 0.1)
    ]
    assert await rows(sessions, "SELECT step, action, request_tokens FROM capacity_decision") == [
        (2, "fits", 120)
    ]
    ((tier, reason, payload),) = await rows(
        sessions, "SELECT tier, reason, payload FROM route_decision"
    )
    assert (tier, reason) == (None, "override")
    assert json.loads(str(payload))["reasons"] == ["you said so"]
    assert await rows(sessions, "SELECT result, tier, cost_usd, files_changed FROM outcome") == [
        ("done", "SIMPLE", "0.0015", 2)
    ]


@pytest.mark.parametrize(
    "payload",
    ["", "{", "[1]", '{"type":"turn_started"}', '{"type":"from_the_future","x":1}', "[" * 100_000],
)
async def test_an_event_that_cannot_be_read_is_named_and_the_rest_is_kept(
    sessions: SqliteSessions, payload: str
) -> None:
    session_id = await sessions.create(project="/shop", title="t")
    await sessions.append(session_id, [started("one"), replied("two"), started("three")])
    await sessions._database.write(
        lambda connection: connection.execute(
            "UPDATE event SET payload = ? WHERE seq = 2", (payload,)
        ).close()
    )

    first, second, third = await sessions.load(session_id)

    assert (first, third) == (started("one"), started("three"))
    assert isinstance(second, Notice)
    assert "event 2 of this session cannot be read" in second.text
    assert [hit.session.id for hit in await sessions.search("three")] == [session_id]


async def test_a_second_living_writer_is_refused_until_the_first_is_gone(
    sessions: SqliteSessions, tmp_path: Path, clock: Clock
) -> None:
    session_id = await sessions.create(project="/shop", title="t")
    await sessions.append(session_id, [started("mine")])
    other = await SqliteSessions.open(tmp_path / "sessions.db", now=clock)

    for attempt in (
        other.acquire(session_id),
        other.append(session_id, [started("yours")]),
        other.delete(session_id),
    ):
        with pytest.raises(SessionLockedError, match="another ralex") as caught:
            await attempt
        assert "--fork" in caught.value.hint
    assert await other.load(session_id) == [started("mine")]
    assert await other.load(await other.fork(session_id)) == [started("mine")]

    await sessions.release(session_id)
    await other.acquire(session_id)
    with pytest.raises(SessionLockedError):
        await sessions.append(session_id, [started("mine again")])
    await other.aclose()
    await sessions.append(session_id, [started("mine again")])


CRASH = """
import asyncio, os, pathlib, sys
sys.path[:0] = [sys.argv[2], sys.argv[3]]
from ralex.store.sessions import SqliteSessions
from ralex.core.stream import TextDelta
from tests.store.money import Clock
from tests.store.test_sessions import called, calling, started

async def main():
    store = await SqliteSessions.open(pathlib.Path(sys.argv[1]), now=Clock())
    session_id = await store.create(project="/shop", title="t")
    print(session_id, flush=True)
    await store.append(session_id, [started("go")])
    await store.append(session_id, [calling("c1")])
    await store.append(session_id, [called("fine", "c1")])
    await store.append(session_id, [TextDelta(text="half a")])
    await store.append(session_id, [calling("c2")])
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""


async def test_after_a_crash_everything_shown_is_there_and_an_open_call_stays_open(
    tmp_path: Path, clock: Clock
) -> None:
    root = Path(__file__).parents[2]
    path = tmp_path / "sessions.db"
    killed = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", CRASH, str(path), str(root), str(root / "app")],
        capture_output=True,
        text=True,
    )
    assert killed.returncode == -9, killed.stderr

    store = await SqliteSessions.open(path, now=clock)
    session_id = await store.find(killed.stdout.strip())
    events = await store.load(session_id)

    assert events == [
        started("go"),
        calling("c1"),
        called("fine", "c1"),
        TextDelta(text="half a"),
        calling("c2"),
    ]
    await store.append(session_id, [Notice(level="info", text="resumed")])
    await store.aclose()


async def test_ten_thousand_events_are_read_back(sessions: SqliteSessions) -> None:
    session_id = await sessions.create(project="/shop", title="long")
    turn = [started("p" * 200), replied("r" * 400), calling(), called("o" * 800), finished()]
    await sessions.append(session_id, turn * 2_000)

    assert await sessions.load(session_id) == turn * 2_000


async def test_a_reply_with_calls_goes_to_the_disk_with_the_first_of_them(
    sessions: SqliteSessions,
) -> None:
    session_id = await sessions.create(project="/shop", title="t")
    started = ToolCallStarted(call_id=CallId("c1"), name="bash", arguments_json="{}", title="ls")
    answer = replace(replied("done"), message=AssistantMessage(text="done"))
    flushed: list[object] = []

    for event in (replied("I look"), started, answer):
        await sessions.append(session_id, [event])
        flushed.append((await rows(sessions, "PRAGMA synchronous"))[0][0] == 2)

    assert flushed == [False, True, True]
